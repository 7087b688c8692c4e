package tune

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"lenet/badfile"
	"lenet/dataset"
	"lenet/metrics"
	"lenet/option"
	"lenet/runs"
)

var (
	linesBound   = badfile.Bound{Times: 400, Plus: 1 << 20}
	optionsBound = badfile.Bound{Times: 1000, Plus: 64 << 20} // of [maxValues] trials
)

// FuzzLines reads a file as metrics.jsonl and as tune.jsonl.
func FuzzLines(f *testing.F) {
	dir, again := runs.Dir(f.TempDir()), runs.Dir(f.TempDir())
	file := func(d runs.Dir, name string) string { return filepath.Join(string(d), name) }
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"metrics.jsonl", "tune.jsonl"} {
			if err := errors.Join(os.WriteFile(file(dir, name), text, 0o666), os.WriteFile(file(again, name), nil, 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		var epochs []metrics.Epoch
		var trials []Trial
		linesBound.Hold(t, len(text), func() {
			var cut *runs.Cut
			var err error
			if epochs, cut, err = dir.Epochs(); err != nil {
				t.Fatal(err)
			}
			if cut != nil && len(cut.String()) > 1000 {
				t.Fatalf("a message of %d bytes", len(cut.String()))
			}
		})
		linesBound.Hold(t, len(text), func() {
			var err error
			if trials, _, err = runs.ReadTrials[Trial](dir); err != nil {
				t.Fatal(err)
			}
		})
		for _, e := range epochs {
			if e.Number < 1 {
				t.Fatalf("an epoch %+v", e)
			}
			if err := again.AppendEpoch(e); err != nil {
				t.Fatal(err)
			}
		}
		if same, cut, err := again.Epochs(); err != nil || cut != nil || !reflect.DeepEqual(same, epochs) {
			t.Fatalf("%+v, written and read again: %+v, %v, error %v", epochs, same, cut, err)
		}
		for i := range trials {
			if trials[i].Number < 1 {
				t.Fatalf("a trial %+v", trials[i])
			}
			trials[i].last()
			trials[i].TrainAccuracy()
		}
		if err := runs.WriteTrials(again, trials); err != nil {
			t.Fatal(err)
		}
		if same, cut, err := runs.ReadTrials[Trial](again); err != nil || cut != nil || !reflect.DeepEqual(same, trials) {
			t.Fatalf("%+v, written and read again: %+v, %v, error %v", trials, same, cut, err)
		}
	})
}

// FuzzOptions reads lists of a sweep's values, and an augmentation.
func FuzzOptions(f *testing.F) {
	f.Fuzz(func(t *testing.T, rates, sizes, names, augmentation string) {
		o := Defaults()
		o.LearningRate, o.BatchSize, o.Optimizer, o.Seed = rates, sizes, names, sizes
		optionsBound.Hold(t, len(rates)+len(sizes)+len(names), func() {
			settings, axes, err := o.settings()
			var wrong *option.Error
			if err != nil && !errors.As(err, &wrong) {
				t.Fatalf("an error that is no option's: %v", err)
			}
			if err == nil && (len(settings) == 0 || len(settings) > maxValues || len(axes) != len(hyperparameters)) {
				t.Fatalf("%d settings of %d axes", len(settings), len(axes))
			}
		})
		if once, err := o.Expanded(); err == nil {
			if twice, err := once.Expanded(); err != nil || !reflect.DeepEqual(once, twice) {
				t.Fatalf("%+v, expanded again: %+v, error %v", once, twice, err)
			}
		}
		var a, same dataset.Augmentation
		if a.UnmarshalText([]byte(augmentation)) != nil {
			return
		}
		if err := same.UnmarshalText([]byte(a.String())); err != nil || same != a || slices.Min([]float64{a.Shift, a.Rotate, a.Scale}) < 0 {
			t.Fatalf("%+v, written and read again: %+v, error %v", a, same, err)
		}
	})
}
