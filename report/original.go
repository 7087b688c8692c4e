package report

import (
	"reflect"
	"slices"
	"strings"

	"lenet/train"
	"lenet/tune"
)

// The original lab report (2020, MXNet, one GPU). --original puts its figures beside runs and sweeps that are configured as its own were.

// originalRun is the configuration of its final run: that of the defaults.
func originalRun() train.Options {
	o := train.Defaults()
	o.Dataset, o.LearningRate, o.BatchSize, o.Epochs, o.Optimizer, o.Activation = "mnist", 1.5, 256, 25, "sgd", "sigmoid"
	return o
}

// originalSweep is the configuration of its sweeps: that of the final run, but for the values swept and ten epochs. The original trained on all
// images and validated on none; a sweep here needs some to choose with, so the equal one splits off the default number.
func originalSweep(learningRates, batchSizes string) tune.Options {
	run, o := originalRun(), tune.Defaults()
	o.Dataset, o.LearningRate, o.BatchSize, o.Optimizer, o.Activation = run.Dataset, learningRates, batchSizes, run.Optimizer, run.Activation
	o.Method, o.Validation, o.Epochs = run.Method, 5000, 10
	return o
}

// An originalValue is a value that the original swept.
type originalValue struct {
	value    string
	accuracy float64 // on the test set after ten epochs
	seconds  float64 // of its ten epochs, where the original gives them
}

// originalFigures are the outcome of one of the original's sweeps.
type originalFigures struct {
	axis    string                    // the flag's name
	options func(string) tune.Options // of a sweep over a list of values of the axis
	values  []originalValue           // in its order
	text    string                    // a remark on it
}

var originalSweeps = []originalFigures{
	{
		axis:    "lr",
		options: func(list string) tune.Options { return originalSweep(list, "64") },
		values: []originalValue{ // about 99 s each
			{"0.15", .977, 0}, {"0.3", .986, 0}, {"0.45", .984, 0}, {"0.6", .987, 0}, {"0.75", .990, 0},
			{"0.9", .989, 0}, {"1.05", .991, 0}, {"1.2", .991, 0}, {"1.35", .990, 0}, {"1.5", .991, 0},
		},
		text: "The original carried the weights over from one learning rate to the next, and its figures show it: its training accuracy, a mean over the ten " +
			"epochs, is .684 at the first learning rate, on the plateau, .982 at the second and 1.000 from the ninth on, while its final run of 25 epochs from " +
			"fresh weights ends at .989. So its “best learning rate 1.5” partly means “trained longest”.",
	},
	{
		axis:    "batch-size",
		options: func(list string) tune.Options { return originalSweep("1.5", list) },
		values:  []originalValue{{"32", .987, 161}, {"64", .991, 99.6}, {"128", .990, 68.2}, {"256", .991, 53.8}, {"512", .991, 47.0}},
	},
}

// of returns the figures for a value, if the original has them.
func (f *originalFigures) of(value string) (v originalValue, ok bool) {
	i := slices.IndexFunc(f.values, func(v originalValue) bool { return v.value == value })
	if i < 0 {
		return originalValue{}, false
	}
	return f.values[i], true
}

// timed reports whether the original gives the time of each value.
func (f *originalFigures) timed() bool { return f.values[0].seconds > 0 }

var originalRunAccuracies = map[int]float64{11: .415, 12: .939, 17: .980, 25: .987} // on the test set, by epoch

const originalRunText = "The original: loss 2.30 for ten epochs, then test accuracy .415 at epoch 11, .939 at 12, .980 at 17 and .987 at 25; " +
	"5.3 to 5.6 s per epoch on its GPU; nine of nine predictions right."

// isOriginalRun reports whether a run is configured as the original's final run was, in all that decides what is learnt. Any seed will do.
func isOriginalRun(o train.Options) bool {
	return reflect.DeepEqual(decisive(o), decisive(originalRun()))
}

// decisive returns a run's options without those that do not decide what is learnt.
func decisive(o train.Options) train.Options {
	for _, p := range []*string{&o.Mirror, &o.Device, &o.Recipe, &o.Out} {
		*p = ""
	}
	o.Threads, o.DataOnDevice, o.Kernels, o.Graph, o.Seed, o.Force, o.TensorBoard = 0, nil, "", "", 0, false, false
	o.Checkpoints = train.Checkpoints{}
	return o
}

// originalOf returns the figures of the original's sweep that a sweep repeats in all that decides what is learnt, or nil. The sweep may stop after
// fewer values. Any single seed will do, and weights may be carried over, as the original's were, or fresh.
func originalOf(s *sweep) (*originalFigures, error) {
	if len(s.Axes) != 1 {
		return nil, nil
	}
	o, err := decisiveOfSweep(s.Options)
	if err != nil {
		return nil, err
	}
	axis := s.Axes[0]
	for i := range originalSweeps {
		f := &originalSweeps[i]
		if f.axis != axis.Name || !f.beginsWith(axis.Values) {
			continue
		}
		original, err := decisiveOfSweep(f.options(strings.Join(axis.Values, ",")))
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(o, original) {
			return f, nil
		}
	}
	return nil, nil
}

// decisiveOfSweep returns a sweep's options without those that do not decide what is learnt.
func decisiveOfSweep(o tune.Options) (tune.Options, error) {
	o, err := essential(o)
	o.Device, o.Kernels, o.Seed = "", "", ""
	return o, err
}

// beginsWith reports whether the original's sweep begins with these values.
func (f *originalFigures) beginsWith(values []string) bool {
	return len(values) <= len(f.values) && slices.EqualFunc(values, f.values[:len(values)], func(a string, b originalValue) bool { return a == b.value })
}
