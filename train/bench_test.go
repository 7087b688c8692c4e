package train

import (
	"context"
	"runtime"
	"testing"
	"time"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/torchx"
)

// benchmarkNetwork returns a network on a locked thread, and loaders of MNIST.
func benchmarkNetwork(b *testing.B, kernels model.Kernels) (net *model.LeNet, training, test *dataset.Loader) {
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	trainSet, testSet := datasettest.MNIST(b)
	net, err := newNetwork(trainSet, 1, ComputeOptions{Kernels: kernels, Device: "cpu"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(net.Close)
	return net, dataset.NewShuffledLoader(trainSet, 256, 1), dataset.NewLoader(testSet, evalBatchSize)
}

// One step of 256 images, and its parts.
func BenchmarkStep(b *testing.B) {
	for _, kernels := range []model.Kernels{model.Fused, model.Reference} {
		b.Run(string(kernels), func(b *testing.B) {
			net, images, _ := benchmarkNetwork(b, kernels)
			var params []torch.Tensor
			for _, p := range net.Parameters() {
				params = append(params, p.Tensor)
			}
			opt, err := torchx.NewSGD(params, 0.1)
			if err != nil {
				b.Fatal(err)
			}
			defer opt.Close()
			for batch, err := range images.Epoch(context.Background(), 1) {
				if err != nil {
					b.Fatal(err)
				}
				var totals torchx.Totals
				var spent stopwatch
				for b.Loop() {
					spent.last = time.Now()
					if err := step(net, opt, batch, &totals, &spent); err != nil {
						b.Fatal(err)
					}
				}
				for _, part := range []int{forward, backward, optimizer} {
					b.ReportMetric(float64(spent.Profile[part].Microseconds())/float64(b.N), PartNames[part]+"-us/op")
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
				if _, _, err := Evaluate(context.Background(), net, images); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
