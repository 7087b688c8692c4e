package tune

import (
	"math"
	"slices"
	"testing"

	"lenet/train"
)

// same compares values of which NaN stands for none.
func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
}

func TestAFailedValueKeepsItsPlaceAmongNames(t *testing.T) {
	var trials []Trial
	for i, optimizer := range []string{"sgd", "adam", "adamw"} {
		trial := tried(0.1, 1, []float64{0.7, 0.8, 0.9}[i], 0.5)
		trial.Optimizer = optimizer
		trials = append(trials, trial)
	}
	trials[1].Failed = "train: the loss is not finite"
	r := result(t, Options{Optimizer: "sgd,adam,adamw"}, trials...)
	l := r.Plot(r.Axes[0], Validation)
	if !slices.Equal(l.Names, []string{"sgd", "adam", "adamw"}) || !same(l.Series[0].X, []float64{0, 1, 2}) || !same(l.Series[0].Y, []float64{0.7, math.NaN(), 0.9}) {
		t.Errorf("names %q, points at %v, %v", l.Names, l.Series[0].X, l.Series[0].Y)
	}
}

// The axis of numbers is not stretched to a learning rate that has no point.
func TestAFailedNumberHasNoPlace(t *testing.T) {
	failed := tried(1e9, 1, 0, 0)
	failed.Failed = "train: the loss is not finite"
	r := result(t, Options{LearningRate: "0.1,0.2,1e9"}, tried(0.1, 1, 0.5, 0.5), tried(0.2, 1, 0.6, 0.6), failed)
	l := r.Plot(r.Axes[0], Validation)
	if l.Names != nil || !same(l.Series[0].X, []float64{0.1, 0.2}) || !same(l.Series[0].Y, []float64{0.5, 0.6}) {
		t.Errorf("points at %v, %v", l.Series[0].X, l.Series[0].Y)
	}
}

func TestTitlesSayHowLongTrialsAreTrained(t *testing.T) {
	for want, o := range map[string]Options{
		"Accuracy after 1 epoch":        {LearningRate: "1,2", Method: train.Method{Epochs: 1}},
		"Accuracy after up to 9 epochs": {LearningRate: "1,2", Method: train.Method{Epochs: 9}, Halving: true},
	} {
		r := result(t, o)
		if l := r.Plot(r.Axes[0], Validation); l.Title != want {
			t.Errorf("%q, want %q", l.Title, want)
		}
	}
}
