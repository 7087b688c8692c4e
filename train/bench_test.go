package train

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/metrics"
	"lenet/model"
	"lenet/runs"
	"lenet/statedict"
)

// benchmarkNetwork returns a network on a locked thread, and loaders of MNIST.
func benchmarkNetwork(b *testing.B, kernels compute.Kernels) (net *model.LeNet, training, test deviceLoader) {
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	trainSet, testSet := datasettest.MNIST(b)
	net, err := model.New(model.Report(), model.Options{Kernels: kernels, Device: "cpu", Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(net.Close)
	return net, newHostLoader(dataset.NewShuffledLoader(trainSet, 256, 1)), newHostLoader(dataset.NewLoader(testSet, dataset.EvaluationBatch))
}

// One step of 256 images, and its parts.
func BenchmarkStep(b *testing.B) {
	for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} {
		b.Run(string(kernels), func(b *testing.B) {
			o := Defaults()
			net, images, _ := benchmarkNetwork(b, kernels)
			t, err := newTrainer(net, &o, 1)
			if err != nil {
				b.Fatal(err)
			}
			defer t.close()
			for batch, err := range images.epoch(context.Background(), 1, 0) {
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := t.train(batch); err != nil {
						b.Fatal(err)
					}
				}
				for _, part := range []int{gradients, optimizer} {
					b.ReportMetric(float64(t.clock.spent[part].Microseconds())/float64(b.N), PartNames[part]+"-us/op")
				}
				break
			}
		})
	}
}

// MNIST's test set.
func BenchmarkEvaluate(b *testing.B) {
	for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} {
		b.Run(string(kernels), func(b *testing.B) {
			net, _, images := benchmarkNetwork(b, kernels)
			for b.Loop() {
				if _, err := evaluate(context.Background(), net, images); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a run pays for its weights and its checkpoint after an epoch: copying them, which the loop waits for, and encoding and writing them, which it does
// not.
func BenchmarkCheckpoint(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	training, test := datasettest.MNIST(b)
	o := Defaults()
	o.Device, o.Kernels, o.Optimizer, o.EMA = "cpu", compute.Fused, "adam", 0.9 // the largest state
	s, err := NewSession(o, &dataset.Data{Train: training, Test: test}, func(string) {})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	dir := runs.Dir(b.TempDir())
	if err := dir.MakeCheckpoints(); err != nil {
		b.Fatal(err)
	}
	var epochs []metrics.Epoch
	for i := range 25 {
		e := metrics.Epoch{Number: i + 1}
		e.Add(metrics.Train, metrics.Loss, 1.0/3)
		epochs = append(epochs, e)
	}
	var weights []statedict.Tensor
	var metadata map[string]string
	var state *State
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			if weights, metadata, err = s.Weights(); err != nil {
				b.Fatal(err)
			}
			if state, err = s.State(); err != nil {
				b.Fatal(err)
			}
		}
	})
	encode := func(b *testing.B) (a, c []byte) {
		if a, err = statedict.Encode(weights, metadata); err != nil {
			b.Fatal(err)
		}
		if c, err = (&Checkpoint{Config: Config{Options: o}, Epochs: epochs, State: *state}).Encode(); err != nil {
			b.Fatal(err)
		}
		return a, c
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			encode(b)
		}
	})
	b.Run("write", func(b *testing.B) {
		a, c := encode(b)
		for b.Loop() {
			if err := errors.Join(runs.WriteFile(dir.Weights(), a), runs.WriteFile(dir.BestWeights(), a), runs.WriteFile(dir.Checkpoint(1, 1), c)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
