package dataset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
)

// A program that loads a set again and again, as a server may, holds no more memory for it. A file that has changed is another one.
func TestAVersionOfAFileIsMappedOnce(t *testing.T) {
	training := &dataset.Set{Rows: 28, Cols: 28, Images: bytes.Repeat([]byte{1}, 2*28*28), Labels: []uint8{0, 1}}
	dir := datasettest.Dir(t, training, training)
	load := func() []uint8 {
		t.Helper()
		data, err := (&dataset.Source{Files: dataset.Files{Dir: dir}}).Load(t.Context(), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		return data.Train.Images
	}
	first := load()
	if second := load(); &second[0] != &first[0] {
		t.Error("a second load mapped the file again")
	}
	path := filepath.Join(dir, datasettest.TrainImages)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := *training
	changed.Images = bytes.Repeat([]byte{2}, 2*28*28)
	other := datasettest.Dir(t, &changed, training)
	if err := os.Rename(filepath.Join(other, datasettest.TrainImages), path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if third := load(); third[0] != 2 || first[0] != 1 {
		t.Errorf("after another file of the same size and time took its place, it holds %d, and what was mapped before %d", third[0], first[0])
	}
}
