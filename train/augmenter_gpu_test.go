//go:build gpu

package train

import (
	"path/filepath"
	"testing"
	"time"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/metrics"
)

// All of MNIST, in the recipes' batches.
func TestGPUImagesAugmentedThereAreTheHosts(t *testing.T) {
	onGPU(t)
	set, _ := datasettest.MNIST(t)
	for _, bounds := range augmentations {
		augmenting := func() *dataset.Loader {
			l := dataset.NewShuffledLoader(set, 64, 5)
			l.Augment(bounds)
			return l
		}
		loader, err := newDeviceLoader(augmenting(), gpu, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer loader.close()
		resident, ok := loader.(*residentLoader)
		if !ok {
			t.Fatalf("%v: a %T, where there is memory for the set", bounds, loader)
		}
		host := newHostLoader(augmenting())
		defer host.close()
		apart, of := sameBatches(t, resident, host, 2)
		t.Logf("%v: %d of %d pixels are a grey level apart; an epoch's images take %v", bounds, apart, of, timeOfAnEpoch(t, resident))
	}
}

// timeOfAnEpoch returns how long the device makes the images of one epoch, the mean of a hundred.
func timeOfAnEpoch(t *testing.T, l *residentLoader) time.Duration {
	t.Helper()
	const epochs = 100
	began := time.Now()
	for number := range epochs + 1 {
		all, _, err := l.augmented.epoch(l.set, l.order, number)
		if err != nil {
			t.Fatal(err)
		}
		if number == 0 || number == epochs {
			pixels(t, all.Labels) // waits for the device
		}
		if number == 0 {
			began = time.Now()
		}
	}
	return time.Since(began) / epochs
}

// The images are the same, so the weights are, whether a GPU makes them or the loader.
func TestGPUTrainsAlikeWhereverImagesAreAugmented(t *testing.T) {
	onGPU(t)
	losses := map[bool]float64{}
	for _, resident := range []bool{true, false} {
		o := Defaults()
		o.Out, o.Epochs, o.BatchSize, o.Activation, o.LearningRate, o.Augment.Shift = filepath.Join(t.TempDir(), "run"), 3, 64, "relu", 0.1, 1
		o.Device, o.DataOnDevice = gpu, &resident
		s, err := Run(t.Context(), o, "test", func(line string) { t.Log(line) })
		if err != nil {
			t.Fatal(err)
		}
		losses[resident] = s.Final().Of(metrics.Train, metrics.Loss)
		t.Logf("data on the device %v: training loss %v, %.1f ms an epoch", resident, losses[resident], 1000*s.Final().Of(metrics.Train, metrics.Seconds))
	}
	if losses[true] != losses[false] {
		t.Errorf("a loss of %v on images made on the GPU, of %v on streamed ones", losses[true], losses[false])
	}
}
