package train_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"lenet/option"
	"lenet/train"
)

func TestTheDefaultsAreTheReportsFinalRun(t *testing.T) {
	o := train.Defaults()
	want := train.Hyperparameters{LearningRate: 1.5, BatchSize: 256, Optimizer: "sgd", Activation: "sigmoid", Seed: 1}
	if o.Hyperparameters != want || o.Epochs != 25 || o.Momentum != 0 || o.Schedule.Name != "constant" || o.Dataset != "mnist" {
		t.Errorf("defaults %+v", o)
	}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}

// Each option that cannot be is an error that names it, and says what would be right.
func TestValidateNamesTheOption(t *testing.T) {
	for _, c := range []struct {
		option, problem string
		change          func(*train.Options)
	}{
		{"recipe", "must be " + option.List(train.Names["recipes"]), func(o *train.Options) { o.Recipe = "slow" }},
		{"optimizer", "must be " + option.List(train.Names["optimizers"]), func(o *train.Options) { o.Optimizer = "no-such" }},
		{"activation", "must be " + option.List(train.Names["activations"]), func(o *train.Options) { o.Activation = "no-such" }},
		{"momentum", "less than 1", func(o *train.Options) { o.Momentum = 1 }},
		{"nesterov", "needs a momentum", func(o *train.Options) { o.Nesterov = true }},
		{"weight-decay", "0 or more", func(o *train.Options) { o.WeightDecay = -1 }},
		{"betas", "are [0.9]", func(o *train.Options) { o.Betas = []float64{0.9} }},
		{"betas", "are [2 0.9]", func(o *train.Options) { o.Betas = []float64{2, 0.9} }},
		{"schedule", "must be " + option.List(train.Names["schedules"]), func(o *train.Options) { o.Schedule.Name = "no-such" }},
		{"warm-up", "is 26 and must be 0 to the number of epochs, 25", func(o *train.Options) { o.WarmUp = 26 }},
		{"step-size", "1 or more", func(o *train.Options) { o.StepSize = 0 }},
		{"gamma", "1 at most", func(o *train.Options) { o.Gamma = 0 }},
		{"label-smoothing", "less than 1", func(o *train.Options) { o.LabelSmoothing = 1 }},
		{"ema", "is NaN", func(o *train.Options) { o.EMA = math.NaN() }},
		{"validation", "0 or more", func(o *train.Options) { o.Validation = -1 }},
		{"early-stop", "0 or more", func(o *train.Options) { o.EarlyStop = -1 }},
		{"early-stop", "needs images to validate with", func(o *train.Options) { o.EarlyStop = 1 }},
		{"epochs", "is 0 and must be 1 or more", func(o *train.Options) { o.Epochs = 0 }},
		{"batch-size", "is -1", func(o *train.Options) { o.BatchSize = -1 }},
		{"lr", "is NaN", func(o *train.Options) { o.LearningRate = math.NaN() }},
		{"lr", "is 0 and must be a positive number", func(o *train.Options) { o.LearningRate = 0 }},
		{"lr", "is +Inf", func(o *train.Options) { o.LearningRate = math.Inf(1) }},
		{"threads", "is -1", func(o *train.Options) { o.Threads = -1 }},
		{"device", `is "tpu" and must be auto, cpu, cuda or cuda:N`, func(o *train.Options) { o.Device = "tpu" }},
		{"device", `"cuda:"`, func(o *train.Options) { o.Device = "cuda:" }},
		{"device", `"cuda:-1"`, func(o *train.Options) { o.Device = "cuda:-1" }},
		{"device", `"cpu:0"`, func(o *train.Options) { o.Device = "cpu:0" }},
		{"kernels", "fused or reference", func(o *train.Options) { o.Kernels = "fast" }},
		{"graph", "auto, on or off", func(o *train.Options) { o.Graph = "yes" }},
		{"graph", "needs a CUDA device", func(o *train.Options) { o.Graph, o.Device = train.GraphOn, "cpu" }},
	} {
		o := train.Defaults()
		o.Device = "cuda:3"
		c.change(&o)
		var usage *option.Error
		if err := o.Validate(); !errors.As(err, &usage) || usage.Option != c.option || !strings.Contains(usage.Problem, c.problem) {
			t.Errorf("%s: error %v, want %q", c.option, err, c.problem)
		}
	}
}
