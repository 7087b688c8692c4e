package report

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"lenet/train"
	"lenet/tune"
)

// flags returns options as the command line makes them of arguments.
func flags[O any](t *testing.T, args ...string) (o O) {
	t.Helper()
	parser, err := kong.New(&o, train.Names.Vars())
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func sweepOf(t *testing.T, o tune.Options) *sweep {
	t.Helper()
	r := &tune.Result{Options: o}
	var err error
	if r.Axes, err = o.Swept(); err != nil {
		t.Fatal(err)
	}
	return &sweep{r, &tune.Config{Options: o}}
}

// These are the commands of make report. The figures have to be those of the axis, and the defaults those of the original.
func TestTheReportsOwnExperimentsHaveTheOriginalsFigures(t *testing.T) {
	if o := flags[train.Options](t); !isOriginalRun(o) {
		t.Errorf("the defaults are not the original's final run: %+v", o)
	}
	for axis, args := range map[string][]string{
		"lr":         {"--lr=0.15:1.5:0.15", "--batch-size=64", "--epochs=10", "--device=cpu"},
		"batch-size": {"--batch-size=32,64,128,256,512", "--epochs=10", "--carry-over", "--seed=7"},
	} {
		s := sweepOf(t, flags[tune.Options](t, args...))
		if f, err := originalOf(s); err != nil || f == nil || f.axis != axis || len(f.values) != len(s.Axes[0].Values) || f.timed() != (axis == "batch-size") {
			t.Errorf("lenet tune %s has the original's figures %+v, error %v", strings.Join(args, " "), f, err)
		}
	}
}

// walk calls visit with each field of a struct that is no struct itself.
func walk(v reflect.Value, path string, visit func(path, name string, field reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Type.Kind() == reflect.Struct {
			walk(v.Field(i), path+field.Name+".", visit)
		} else {
			visit(path+field.Name, field.Name, v.Field(i))
		}
	}
}

// change gives a field another value. Text that is a number stays one.
func change(t *testing.T, field reflect.Value) {
	t.Helper()
	switch field.Kind() {
	case reflect.String:
		field.SetString("2" + field.String())
	case reflect.Int, reflect.Int64:
		field.SetInt(field.Int() + 1)
	case reflect.Uint64:
		field.SetUint(field.Uint() + 1)
	case reflect.Float64:
		field.SetFloat(field.Float() + 0.25)
	case reflect.Bool:
		field.SetBool(!field.Bool())
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
	case reflect.Slice:
		field.Set(reflect.Append(field, reflect.Zero(field.Type().Elem())))
	default:
		t.Fatalf("how does one change a %s?", field.Kind())
	}
}

// The original's figures stand beside equal configurations only: any other value of any option takes them away, but for the options named here.
func TestAnyOtherOptionTakesTheOriginalsFiguresAway(t *testing.T) {
	check := func(o any, shown func() bool, indifferent ...string) {
		t.Helper()
		visited := 0
		walk(reflect.ValueOf(o).Elem(), "", func(path, name string, field reflect.Value) {
			before := reflect.New(field.Type()).Elem()
			before.Set(field)
			change(t, field)
			visited++
			if shown() != slices.ContainsFunc(indifferent, func(i string) bool { return i == name || strings.Contains(path, i+".") }) {
				t.Errorf("%T with another %s, %v: figures shown: %v", o, path, field.Interface(), shown())
			}
			field.Set(before)
		})
		if visited < 25 || !shown() {
			t.Errorf("%T: %d fields, figures shown with none of them changed: %v", o, visited, shown())
		}
	}
	run := flags[train.Options](t)
	check(&run, func() bool { return isOriginalRun(run) },
		"Mirror", "Device", "Threads", "DataOnDevice", "Kernels", "Recipe", "Seed", "Graph", "Out", "Force", "TensorBoard", "Every", "Keep")
	for _, args := range [][]string{{"--lr=0.15,0.3,0.45", "--batch-size=64", "--epochs=10"}, {"--batch-size=32,64", "--epochs=10"}} {
		o := flags[tune.Options](t, args...)
		check(&o, func() bool {
			f, err := originalOf(sweepOf(t, o))
			return err == nil && f != nil
		}, "Mirror", "Device", "Threads", "DataOnDevice", "Kernels", "Recipe", "Seed", "Graph", "Out", "Force", "Jobs", "CarryOver", "Every")
	}
}

func TestOtherListsTakeTheOriginalsFiguresAway(t *testing.T) {
	for name, args := range map[string][]string{
		"another order":    {"--lr=0.3,0.15", "--batch-size=64"},
		"left out":         {"--lr=0.15,0.45", "--batch-size=64"},
		"more values":      {"--lr=0.15:1.65:0.15", "--batch-size=64"},
		"two axes":         {"--lr=0.15,0.3", "--batch-size=64,128"},
		"seeds":            {"--lr=0.15,0.3", "--batch-size=64", "--seed=1,2"},
		"the other's rest": {"--lr=0.15,0.3"},
		"nothing swept":    {"--lr=0.15", "--batch-size=64"},
	} {
		if f, err := originalOf(sweepOf(t, flags[tune.Options](t, append(args, "--epochs=10")...))); err != nil || f != nil {
			t.Errorf("%s: figures %+v, error %v", name, f, err)
		}
	}
}
