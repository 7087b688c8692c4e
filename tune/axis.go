package tune

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"lenet/option"
	"lenet/train"
)

// A Hyperparameter is one that sweeps may vary. The table [hyperparameters] holds all of them.
type Hyperparameter struct {
	Name    string // of its flag
	Label   string // in plots and tables
	Numeric bool   // plots place its values by their numbers, and not side by side
	Repeats bool   // its values repeat a candidate's training and are nothing to choose from

	list func(*Options) *string // its values in a sweep's options
	get  func(*train.Hyperparameters) string
	set  func(*train.Hyperparameters, string) error
}

var hyperparameters = []Hyperparameter{
	{
		Name: "lr", Label: "learning rate", Numeric: true,
		list: func(o *Options) *string { return &o.LearningRate },
		get:  func(s *train.Hyperparameters) string { return strconv.FormatFloat(s.LearningRate, 'g', -1, 64) },
		set: func(s *train.Hyperparameters, text string) (err error) {
			s.LearningRate, err = strconv.ParseFloat(text, 64)
			return err
		},
	},
	{
		Name: "batch-size", Label: "batch size",
		list: func(o *Options) *string { return &o.BatchSize },
		get:  func(s *train.Hyperparameters) string { return strconv.Itoa(s.BatchSize) },
		set: func(s *train.Hyperparameters, text string) (err error) {
			s.BatchSize, err = strconv.Atoi(text)
			return err
		},
	},
	{
		Name: "optimizer", Label: "optimizer",
		list: func(o *Options) *string { return &o.Optimizer },
		get:  func(s *train.Hyperparameters) string { return s.Optimizer },
		set: func(s *train.Hyperparameters, text string) error {
			s.Optimizer = text
			return nil
		},
	},
	{
		Name: "activation", Label: "activation",
		list: func(o *Options) *string { return &o.Activation },
		get:  func(s *train.Hyperparameters) string { return s.Activation },
		set: func(s *train.Hyperparameters, text string) error {
			s.Activation = text
			return nil
		},
	},
	{
		Name: "seed", Label: "seed", Repeats: true,
		list: func(o *Options) *string { return &o.Seed },
		get:  func(s *train.Hyperparameters) string { return strconv.FormatUint(s.Seed, 10) },
		set: func(s *train.Hyperparameters, text string) (err error) {
			s.Seed, err = strconv.ParseUint(text, 10, 64)
			return err
		},
	},
}

// An Axis is a hyperparameter and its values in a sweep.
type Axis struct {
	*Hyperparameter
	Values []string // as Of returns them
}

// Of returns the axis's value in a setting.
func (a *Axis) Of(s train.Hyperparameters) string { return a.get(&s) }

// axes returns all axes, including those with one value.
func (o *Options) axes() ([]Axis, error) {
	var axes []Axis
	for i := range hyperparameters {
		axis := Axis{Hyperparameter: &hyperparameters[i]}
		values, err := expand(*axis.list(o))
		if err != nil {
			return nil, option.Errorf(axis.Name, "is %v", err)
		}
		seen := map[string]bool{}
		for _, value := range values {
			var s train.Hyperparameters
			if err := axis.set(&s, value); err != nil {
				return nil, option.Errorf(axis.Name, "is %q, which is not a valid number", value)
			}
			if value := axis.Of(s); !seen[value] {
				seen[value] = true
				axis.Values = append(axis.Values, value)
			}
		}
		axes = append(axes, axis)
	}
	return axes, nil
}

// Swept returns the axes with more than one value.
func (o *Options) Swept() ([]Axis, error) {
	axes, err := o.axes()
	return swept(axes), err
}

func swept(axes []Axis) []Axis {
	return slices.DeleteFunc(axes, func(a Axis) bool { return len(a.Values) < 2 })
}

// Expanded returns o with its lists written out. Sweeps over the same values have the same lists then.
func (o Options) Expanded() (Options, error) {
	axes, err := o.axes()
	for _, axis := range axes {
		*axis.list(&o) = strings.Join(axis.Values, ",")
	}
	return o, err
}

// maxValues bounds a sweep; it guards against typos such as 0:1:1e-9.
const maxValues = 10000

// expand returns the values of a list. An element first:last:step stands for several.
func expand(list string) ([]string, error) {
	var values []string
	for part := range strings.SplitSeq(list, ",") {
		if len(values) > maxValues {
			return nil, fmt.Errorf("a list of more than %d values", maxValues)
		}
		bounds := strings.Split(strings.TrimSpace(part), ":")
		if len(bounds) == 1 && bounds[0] != "" {
			values = append(values, bounds[0])
			continue
		}
		var numbers [3]float64
		if len(bounds) != 3 {
			return nil, fmt.Errorf("%q, which is neither a value nor first:last:step", part)
		}
		for i := range numbers {
			var err error
			if numbers[i], err = strconv.ParseFloat(bounds[i], 64); err != nil {
				return nil, fmt.Errorf("%q, which is not a number", bounds[i])
			}
		}
		first, last, step := numbers[0], numbers[1], numbers[2]
		n := math.Floor((last-first)/step+1e-9) + 1 // rounding does not lose the last value
		if !(step > 0) || !(n >= 1 && n <= maxValues) {
			return nil, fmt.Errorf("%q, which has no values or more than %d", part, maxValues)
		}
		for i := range int(n) {
			values = append(values, strconv.FormatFloat(first+float64(i)*step, 'g', 12, 64))
		}
	}
	return values, nil
}
