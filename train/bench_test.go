package train

import (
	"context"
	"runtime"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/model"
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
			t, err := newTrainer(net, &o, 1, nil)
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
