package train

import (
	"math"
	"runtime"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/torchx"
)

// sameBatches compares the batches of two loaders of one set over some epochs: pixels may be one grey level apart. It returns how many are, and of
// how many.
func sameBatches(t *testing.T, got, want deviceLoader, epochs int) (apart, pixelCount int) {
	t.Helper()
	for number := 1; number <= epochs; number++ {
		batches := func(l deviceLoader) (images, labels []float32, sizes []int) {
			for b, err := range l.epoch(t.Context(), number, 0) {
				if err != nil {
					t.Fatal(err)
				}
				images, labels, sizes = append(images, pixels(t, b.Images)...), append(labels, pixels(t, b.Labels)...), append(sizes, b.Len())
			}
			return images, labels, sizes
		}
		images, labels, sizes := batches(got)
		wantImages, wantLabels, wantSizes := batches(want)
		if len(sizes) != len(wantSizes) || len(images) != len(wantImages) || len(labels) != len(wantLabels) {
			t.Fatalf("epoch %d: batches of %v, want %v", number, sizes, wantSizes)
		}
		for i := range labels {
			if labels[i] != wantLabels[i] {
				t.Fatalf("epoch %d: label %d is %v, want %v", number, i, labels[i], wantLabels[i])
			}
		}
		pixelCount += len(images)
		for i := range images {
			if d := math.Abs(float64(images[i] - wantImages[i])); d > 1 {
				t.Fatalf("epoch %d: pixel %d is %v, want %v", number, i, images[i], wantImages[i])
			} else if d > 0 {
				apart++
			}
		}
	}
	return apart, pixelCount
}

// augmentations are those of the recipes, and one of the largest.
var augmentations = []dataset.Augmentation{{Shift: 1}, {Shift: 1.5, Rotate: 10, Scale: 0.1}, {Shift: 14, Rotate: 180, Scale: 0.9}}

// The GPU is emulated.
func TestImagesAugmentedOnTheDeviceAreTheHosts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the emulator of GPUs is for Linux")
	}
	if err := torchx.UseKernels("CUDA"); err != nil {
		t.Fatal(err)
	}
	defer torchx.UseKernels("")
	set, _ := datasettest.MNIST(t)
	set = datasettest.First(set, 1000)
	var kept []uint32 // so that the images are not those of the first indices
	for i := uint32(1); i < 1000; i += 2 {
		kept = append(kept, i)
	}
	for _, bounds := range augmentations {
		augmenting := func() *dataset.Loader {
			l := dataset.NewShuffledLoader(set, 64, 5)
			l.Restrict(kept)
			l.Augment(bounds)
			return l
		}
		resident, err := newResidentLoader(augmenting(), "cpu")
		if err != nil {
			t.Fatal(err)
		}
		defer resident.close()
		host := newHostLoader(augmenting())
		defer host.close()
		apart, of := sameBatches(t, resident, host, 3)
		t.Logf("%v: %d of %d pixels are a grey level apart", bounds, apart, of)
	}
}

func TestAugmentationNeedsMemoryForAnEpochToo(t *testing.T) {
	set := &dataset.Set{Rows: 20, Cols: 30, Images: make([]uint8, 600*4), Labels: make([]uint8, 4)}
	l := dataset.NewLoader(set, 2)
	l.Restrict([]uint32{1, 2, 3})
	if got := residentBytes(l); got != 4*600 {
		t.Errorf("without augmentation %d bytes", got)
	}
	l.Augment(dataset.Augmentation{Shift: 1})
	if got := residentBytes(l); got != (4+3)*600 {
		t.Errorf("with augmentation %d bytes", got)
	}
}
