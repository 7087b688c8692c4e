package train

import (
	"context"
	"runtime"
	"testing"
	"time"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/model"
)

// plainSGD is the report's way to train, as far as a trainer knows.
var plainSGD = Options{
	Setting: Setting{LearningRate: 0.1, BatchSize: 256, Optimizer: "sgd"},
	Method:  Method{Epochs: 1, Betas: []float64{0.9, 0.999}, Schedule: Constant},
}

// benchmarkNetwork returns a network on a locked thread, and loaders of MNIST.
func benchmarkNetwork(b *testing.B, kernels model.Kernels) (net *model.LeNet, training, test feed) {
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	trainSet, testSet := datasettest.MNIST(b)
	net, err := model.New(28, 28, model.Options{Activation: model.Sigmoid, Kernels: kernels, Device: "cpu", Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(net.Close)
	return net, hostFeed{dataset.NewShuffledLoader(trainSet, 256, 1)}, hostFeed{dataset.NewLoader(testSet, dataset.EvaluationBatch)}
}

// One step of 256 images, and its parts.
func BenchmarkStep(b *testing.B) {
	for _, kernels := range []model.Kernels{model.Fused, model.Reference} {
		b.Run(string(kernels), func(b *testing.B) {
			net, images, _ := benchmarkNetwork(b, kernels)
			t, err := newTrainer(net, &plainSGD, 1, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer t.close()
			for batch, err := range images.epoch(context.Background(), 1) {
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					t.spent.last = time.Now()
					if err := t.step(batch); err != nil {
						b.Fatal(err)
					}
				}
				for _, part := range []int{forward, backward, optimizer} {
					b.ReportMetric(float64(t.spent.Profile[part].Microseconds())/float64(b.N), PartNames[part]+"-us/op")
				}
				break
			}
		})
	}
}

// MNIST's test set.
func BenchmarkEvaluate(b *testing.B) {
	for _, kernels := range []model.Kernels{model.Fused, model.Reference} {
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
