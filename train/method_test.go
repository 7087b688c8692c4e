package train_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/model"
	"lenet/train"
)

// Each way to train, with each activation, learns MNIST's first images by heart.
func TestEveryMethodLearns(t *testing.T) {
	for name, change := range map[string]func(*train.Options){
		"momentum, tanh, cosine": func(o *train.Options) {
			o.LearningRate, o.Momentum, o.Activation, o.Schedule = 0.1, 0.9, model.Tanh, train.Cosine
		},
		"nesterov, relu, onecycle": func(o *train.Options) {
			o.LearningRate, o.Momentum, o.Nesterov, o.Activation, o.Schedule = 0.03, 0.9, true, model.ReLU, train.OneCycle
		},
		"adam, relu, step, smoothing": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Activation, o.Schedule, o.LabelSmoothing = "adam", 0.003, model.ReLU, train.Step, 0.1
		},
		"adamw, relu, warm-up, ema": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Activation, o.WarmUp, o.EMA, o.WeightDecay = "adamw", 0.003, model.ReLU, 2, 0.9, 0.1
		},
		"adam, relu, shift, reference": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Activation, o.Augment.Shift, o.Kernels = "adam", 0.003, model.ReLU, 1, model.Reference
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, 500, 500)
			change(&o)
			o.Epochs, o.BatchSize = 20, 20
			s, _ := run(t, o)
			if m := s.Final(); m.TrainAccuracy < 0.95 || m.TestAccuracy < 0.8 {
				t.Errorf("after %d epochs: %+v", o.Epochs, m)
			}
		})
	}
}

// What is tested is what is saved: the averages. With half a chance of being forgotten at each step they differ from the weights little, and
// not by nothing.
func TestAveragesAreTestedAndSaved(t *testing.T) {
	final := func(ema float64) (train.Metrics, float64, []byte) {
		o := options(t, 200, 100)
		o.EMA = ema
		s, _ := run(t, o)
		loss, _ := saved(t, o)
		return s.Final(), loss, read(t, o.Out, train.WeightsFile)
	}
	plain, _, plainWeights := final(0)
	averaged, fromFile, weights := final(0.5)
	if plain.Loss != averaged.Loss {
		t.Errorf("averages change the training: loss %v and %v", plain.Loss, averaged.Loss)
	}
	if bytes.Equal(weights, plainWeights) || math.Abs(fromFile-averaged.TestLoss) > 1e-6 || averaged.TestLoss == plain.TestLoss {
		t.Errorf("the file's loss is %v, the run's %v, and without averages %v", fromFile, averaged.TestLoss, plain.TestLoss)
	}
}

func TestEarlyStopKeepsTheBestWeights(t *testing.T) {
	o := options(t, 300, 50)
	o.Validation, o.EarlyStop, o.Epochs = 100, 2, 50
	o.LearningRate = 1e-9 // nothing gets better
	s, r := run(t, o)
	if len(s.Metrics) != 3 || s.BestEpoch != 1 || s.Final().ValidationLoss == 0 {
		t.Errorf("%d epochs, the best is %d: %+v", len(s.Metrics), s.BestEpoch, s.Metrics)
	}
	if r.steps != 3*4 { // 200 images in batches of 64
		t.Errorf("%d steps", r.steps)
	}
	o.Out, o.Epochs, o.EarlyStop = o.Out+"-1", 1, 0
	run(t, o)
	if !bytes.Equal(read(t, o.Out, train.WeightsFile), read(t, o.Out[:len(o.Out)-2], train.WeightsFile)) {
		t.Error("the weights are not the first epoch's")
	}
	o.Out, o.Validation = o.Out+"-2", 300
	if _, err := train.Run(t.Context(), o, "test", r); err == nil || !strings.Contains(err.Error(), "--validation is 300") {
		t.Errorf("error %v", err)
	}
}

func TestAugmentationIsATextInConfigJSON(t *testing.T) {
	text, err := json.Marshal(train.Method{Augment: dataset.Augmentation{Shift: 2}})
	if err != nil || !strings.Contains(string(text), `"augment":"shift=2"`) {
		t.Errorf("%s, error %v", text, err)
	}
}
