package dataset_test

import (
	"bytes"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
)

// MNIST's 10,000 test images, plain and gzipped.
func BenchmarkReader(b *testing.B) {
	_, test := datasettest.MNIST(b)
	plain := datasettest.IDX(dataset.Uint8, []int{test.Len(), test.Rows, test.Cols}, test.Images)
	for name, file := range map[string][]byte{"plain": plain, "gzip": gzipped(b, plain)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				d, err := dataset.NewReader(bytes.NewReader(file))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := d.ReadAll(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An epoch of MNIST in shuffled batches of 256.
func BenchmarkLoader(b *testing.B) {
	training, _ := datasettest.MNIST(b)
	loader := dataset.NewShuffledLoader(training, 256, 1)
	b.SetBytes(int64(len(training.Images)))
	for epoch := 1; b.Loop(); epoch++ {
		for _, err := range loader.Epoch(b.Context(), epoch, 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// An epoch of MNIST, each image changed.
func BenchmarkAugmentedLoader(b *testing.B) {
	training, _ := datasettest.MNIST(b)
	for _, text := range []string{"shift=2", "shift=2,rotate=8,scale=0.1"} {
		b.Run(text, func(b *testing.B) {
			var a dataset.Augmentation
			if err := a.UnmarshalText([]byte(text)); err != nil {
				b.Fatal(err)
			}
			loader := dataset.NewShuffledLoader(training, 256, 1)
			loader.Augment(a)
			epochs := 0
			for b.Loop() {
				epochs++
				for _, err := range loader.Epoch(b.Context(), epochs, 0) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(epochs*training.Len()), "ns/image")
		})
	}
}
