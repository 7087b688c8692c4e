package train_test

import (
	"bytes"
	"runtime"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/train"
)

// collector collects Go's garbage twice in every step, before the update and after it.
type collector struct {
	train.BaseObserver
	steps int
}

func (c *collector) Start(r *train.Running) error {
	r.Session.OnGradients(func() error {
		runtime.GC()
		return nil
	})
	return nil
}

func (c *collector) Step(*train.Running, train.Step) error {
	c.steps++
	runtime.GC()
	return nil
}

// A finalizer that frees what C++ still uses shows where garbage is collected more often than a training ever does.
func TestACollectionAtEveryStepChangesNothing(t *testing.T) {
	for name, change := range map[string]func(*train.Options){
		"report":    func(*train.Options) {},
		"reference": func(o *train.Options) { o.Kernels = compute.Reference },
		"fast": func(o *train.Options) {
			o.Activation, o.LearningRate, o.Momentum, o.Nesterov, o.EMA, o.LabelSmoothing = "relu", 0.02, 0.9, true, 0.9, 0.05
			o.Augment = dataset.Augmentation{Shift: 1}
		},
		"adam, gelu": func(o *train.Options) { o.Activation, o.Optimizer, o.LearningRate = "gelu", "adam", 0.002 },
	} {
		trained := func(observers ...train.Observer) []byte {
			o := options(t, 300, 20)
			o.BatchSize, o.Epochs, o.Threads = 10, 5, 2
			change(&o)
			if _, err := train.Run(t.Context(), o, "test", func(string) {}, observers...); err != nil {
				t.Fatal(err)
			}
			return weights(t, o)
		}
		c := &collector{}
		if plain := trained(); !bytes.Equal(plain, trained(c)) || c.steps != 150 {
			t.Errorf("%s: with a collection at each of %d steps the weights are others", name, c.steps)
		}
	}
}
