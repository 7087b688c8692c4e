// Package datasettest helps tests that need a data set: the real MNIST, parts of it, and IDX files.
package datasettest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lenet/dataset"
)

// MNIST returns the real one, through the user's cache.
func MNIST(t testing.TB) (training, test *dataset.Set) {
	t.Helper()
	cache, err := dataset.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := dataset.Lookup("mnist")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := dataset.Fetch(t.Context(), spec, cache, "", func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	training, test, err = dataset.Load(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	return training, test
}

// First returns a set of the first n images.
func First(s *dataset.Set, n int) *dataset.Set {
	return &dataset.Set{Rows: s.Rows, Cols: s.Cols, Images: s.Images[:n*s.Rows*s.Cols], Labels: s.Labels[:n]}
}

// IDX returns an IDX file of the given element type and dimensions.
func IDX(elements dataset.ElementType, dims []int, content []byte) []byte {
	file := []byte{0, 0, byte(elements), byte(len(dims))}
	for _, d := range dims {
		file = binary.BigEndian.AppendUint32(file, uint32(d))
	}
	return append(file, content...)
}

// Names of the files that Dir writes.
const (
	TrainImages = "train-images-idx3-ubyte"
	TrainLabels = "train-labels-idx1-ubyte"
	TestImages  = "t10k-images-idx3-ubyte"
	TestLabels  = "t10k-labels-idx1-ubyte"
)

// Dir returns a new folder with the four files of two sets.
func Dir(t testing.TB, training, test *dataset.Set) string {
	t.Helper()
	dir := t.TempDir()
	Write(t, dir, TrainImages, images(training))
	Write(t, dir, TrainLabels, labels(training))
	Write(t, dir, TestImages, images(test))
	Write(t, dir, TestLabels, labels(test))
	return dir
}

func images(s *dataset.Set) []byte {
	return IDX(dataset.Uint8, []int{s.Len(), s.Rows, s.Cols}, s.Images)
}

func labels(s *dataset.Set) []byte { return IDX(dataset.Uint8, []int{s.Len()}, s.Labels) }

// Write replaces a file in dir.
func Write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), slices.Clone(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
