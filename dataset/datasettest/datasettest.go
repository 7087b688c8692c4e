// Package datasettest helps tests that need a data set: the real MNIST, parts of it, and IDX files.
package datasettest

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"lenet/dataset"
)

type sets struct{ training, test *dataset.Set }

var mnist = sync.OnceValues(func() (s sets, err error) {
	cache, err := dataset.CacheDir()
	if err != nil {
		return s, err
	}
	spec, err := dataset.Lookup("mnist")
	if err != nil {
		return s, err
	}
	s.training, s.test, _, err = spec.Load(context.Background(), cache, "", func(string) {})
	return s, err
})

// MNIST returns the real one, through the user's cache. The sets are shared: not to be changed.
func MNIST(t testing.TB) (training, test *dataset.Set) {
	t.Helper()
	s, err := mnist()
	if err != nil {
		t.Fatal(err)
	}
	return s.training, s.test
}

// First returns a set of the first n images.
func First(s *dataset.Set, n int) *dataset.Set {
	return &dataset.Set{Rows: s.Rows, Cols: s.Cols, Classes: s.Classes, Names: s.Names, Images: s.Images[:n*s.Rows*s.Cols], Labels: s.Labels[:n]}
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
