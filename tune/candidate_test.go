package tune

import (
	"math"
	"testing"

	"lenet/metrics"
	"lenet/train"
)

// tried is a trial of one epoch with these accuracies.
func tried(rate float64, seed uint64, validation, test float64) Trial {
	return Trial{
		Hyperparameters: train.Hyperparameters{LearningRate: rate, Seed: seed}, Seconds: 2,
		Metrics: []metrics.Epoch{epochOf(0, validation, test)},
	}
}

// result is that of a sweep over the lists in o, with these trials. Lists that o leaves out have one value.
func result(t *testing.T, o Options, trials ...Trial) *Result {
	t.Helper()
	for i := range hyperparameters {
		if list := hyperparameters[i].list(&o); *list == "" {
			*list = "1"
		}
	}
	axes, err := o.Swept()
	if err != nil {
		t.Fatal(err)
	}
	return &Result{Options: o, Axes: axes, Trials: trials}
}

// One lucky seed does not make a setting the best.
func TestValidationChoosesByTheMeanOverSeeds(t *testing.T) {
	r := result(t, Options{LearningRate: "0.1,0.2", Seed: "1,2"},
		tried(0.1, 1, 0.90, 0.91), tried(0.1, 2, 0.92, 0.93),
		tried(0.2, 1, 0.99, 0.98), tried(0.2, 2, 0.50, 0.51))
	best := r.Best()
	if len(r.Candidates()) != 2 || best.Setting().LearningRate != 0.1 || best.Seconds() != 4 {
		t.Fatalf("%d candidates, best %+v", len(r.Candidates()), best)
	}
	mean, deviation := best.Mean(Test)
	if math.Abs(mean-0.92) > 1e-12 || math.Abs(deviation-math.Sqrt(0.0002)) > 1e-12 {
		t.Errorf("test accuracy %v ± %v", mean, deviation)
	}
	if c := r.Choices(); len(c) != 1 || c[0].Name != "lr" || len(r.Axes) != 2 {
		t.Errorf("choices %v of %v", c, r.Axes)
	}
	if y := r.Plot(r.Axes[0], Validation).Series[0].Y; len(y) != 2 || math.Abs(y[1]-0.745) > 1e-12 {
		t.Errorf("the plot over the learning rate has %v", y)
	}
	if y := r.Plot(r.Axes[1], Validation).Series[0].Y; len(y) != 2 || y[0] != 0.99 || y[1] != 0.92 {
		t.Errorf("the plot over seeds has %v", y)
	}
	r.Trials[1].Failed = "train: the loss is not finite"
	if best := r.Best(); best.Setting().LearningRate != 0.2 {
		t.Errorf("the best is %+v, of which a trial failed", best)
	}
	r.Trials[3].Failed = r.Trials[1].Failed
	if best := r.Best(); best != nil {
		t.Errorf("the best is %+v, though each setting has a trial that failed", best)
	}
}

// epochOf returns an epoch with a training, a validation and a test accuracy.
func epochOf(trained, validation, test float64) metrics.Epoch {
	e := metrics.Epoch{Number: 1}
	e.Add(metrics.Train, metrics.Accuracy, trained)
	e.Add(metrics.Test, metrics.Accuracy, test)
	e.Add(metrics.Validation, metrics.Accuracy, validation)
	return e
}
