package train_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/metrics"
	"lenet/runs"
	"lenet/train"
)

// Each way to train, with each activation, learns MNIST's first images by heart.
func TestEveryMethodLearns(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*train.Options){
		"momentum, tanh, cosine": func(o *train.Options) {
			o.LearningRate, o.Momentum, o.Activation, o.Schedule.Name = 0.1, 0.9, "tanh", "cosine"
		},
		"nesterov, relu, onecycle": func(o *train.Options) {
			o.LearningRate, o.Momentum, o.Nesterov, o.Activation, o.Schedule.Name = 0.03, 0.9, true, "relu", "onecycle"
		},
		"adam, relu, step, smoothing": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Activation, o.Schedule.Name, o.LabelSmoothing = "adam", 0.003, "relu", "step", 0.1
		},
		"adamw, relu, warm-up, ema": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Activation, o.WarmUp, o.EMA, o.WeightDecay = "adamw", 0.003, "relu", 2, 0.9, 0.1
		},
		"adam, relu, shift, reference": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Activation, o.Augment.Shift, o.Kernels = "adam", 0.003, "relu", 1, compute.Reference
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, 500, 500)
			change(&o)
			o.Epochs, o.BatchSize = 20, 20
			s, _ := run(t, o)
			if e := s.Final(); e.Of(metrics.Train, metrics.Accuracy) < 0.95 || e.Of(metrics.Test, metrics.Accuracy) < 0.8 {
				t.Errorf("after %d epochs: %+v", o.Epochs, e)
			}
		})
	}
}

// What is tested is what is saved: the averages. With half a chance of being forgotten at each step they differ from the weights little, and
// not by nothing.
func TestAveragesAreTestedAndSaved(t *testing.T) {
	final := func(ema float64) (loss, testLoss, fromFile float64, file []byte) {
		o := options(t, 200, 100)
		o.EMA = ema
		s, _ := run(t, o)
		fromFile, _ = saved(t, o)
		return s.Final().Of(metrics.Train, metrics.Loss), s.Final().Of(metrics.Test, metrics.Loss), fromFile, weights(t, o)
	}
	plain, plainTest, _, plainWeights := final(0)
	averaged, averagedTest, fromFile, averages := final(0.5)
	if plain != averaged {
		t.Errorf("averages change the training: loss %v and %v", plain, averaged)
	}
	if bytes.Equal(averages, plainWeights) || math.Abs(fromFile-averagedTest) > 1e-6 || averagedTest == plainTest {
		t.Errorf("the file's loss is %v, the run's %v, and without averages %v", fromFile, averagedTest, plainTest)
	}
}

func TestEarlyStopEndsTheRunAndLeavesTheBestWeights(t *testing.T) {
	o := options(t, 300, 50)
	o.Validation, o.EarlyStop, o.Epochs = 100, 2, 50
	o.LearningRate = 1e-9 // nothing gets better
	s, r := run(t, o)
	if _, validated := s.Final().Get(metrics.Validation, metrics.Loss); len(s.Epochs) != 3 || s.BestEpoch != 1 || !validated {
		t.Errorf("%d epochs, the best is %d: %+v", len(s.Epochs), s.BestEpoch, s.Epochs)
	}
	if r.steps != 3*4 { // 200 images in batches of 64
		t.Errorf("%d steps", r.steps)
	}
	best, last := read(t, runs.Dir(o.Out).BestWeights()), weights(t, o)
	o.Out, o.Epochs, o.EarlyStop = o.Out+"-1", 1, 0
	run(t, o)
	if !bytes.Equal(weights(t, o), best) || bytes.Equal(best, last) {
		t.Error("the best weights are not the first epoch's, or also the last ones")
	}
	o.Out, o.Validation = o.Out+"-2", 300
	if err := runError(t, t.Context(), o); err == nil || !strings.Contains(err.Error(), "validation is 300") {
		t.Errorf("error %v", err)
	}
}

func TestAugmentationIsATextInConfigJSON(t *testing.T) {
	text, err := json.Marshal(train.Method{Augment: dataset.Augmentation{Shift: 2}})
	if err != nil || !strings.Contains(string(text), `"augment":"shift=2"`) {
		t.Errorf("%s, error %v", text, err)
	}
}
