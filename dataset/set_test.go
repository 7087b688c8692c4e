package dataset_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lenet/dataset"
	"lenet/dataset/datasettest"
)

// ramp returns a set of n images of 2x3 pixels; image i is all i, with label i mod 10.
func ramp(n int) *dataset.Set {
	s := &dataset.Set{Rows: 2, Cols: 3}
	for i := range n {
		for range 6 {
			s.Images = append(s.Images, uint8(i))
		}
		s.Labels = append(s.Labels, uint8(i%10))
	}
	return s
}

// ownCache keeps the decompressed copies of a test's files out of the user's cache.
func ownCache(t *testing.T) { t.Setenv("XDG_CACHE_HOME", t.TempDir()) }

// A gzipped file is decompressed once, and again when it changed. What is mapped is not held on the heap.
func TestADecompressedCopyIsMadeOnceForEachVersionOfAFile(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	path := filepath.Join(dir, datasettest.TestLabels)
	zip := func(labels ...uint8) {
		datasettest.Write(t, dir, datasettest.TestLabels, gzipped(t, datasettest.IDX(dataset.Uint8, []int{5}, labels)))
	}
	first := func() uint8 {
		_, test, err := dataset.Load(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return test.Labels[0]
	}
	zip(7, 1, 2, 3, 4)
	if got := first(); got != 7 {
		t.Fatalf("the first label is %d, want 7", got)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	zip(8, 1, 2, 3, 4)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got := first(); got != 7 {
		t.Errorf("the file's time is that of its copy, and it was decompressed again")
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := first(); got != 8 {
		t.Errorf("the file is a second newer than its copy, and the first label is %d, want 8", got)
	}
}

func TestWithoutACacheAGzippedFileIsDecodedToTheHeap(t *testing.T) {
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	datasettest.Write(t, dir, datasettest.TestLabels, gzipped(t, datasettest.IDX(dataset.Uint8, []int{5}, []uint8{7, 1, 2, 3, 4})))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, datasettest.TrainImages)) // a file, not a folder
	_, test, err := dataset.Load(dir, nil)
	if err != nil || test.Labels[0] != 7 {
		t.Errorf("%v", err)
	}
}

func TestLoadReadsFourFilesUnderAnyOfTheirNames(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	rename := func(from, to string, content func([]byte) []byte) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, from))
		if err := errors.Join(err, os.Remove(filepath.Join(dir, from))); err != nil {
			t.Fatal(err)
		}
		datasettest.Write(t, dir, to, content(b))
	}
	same := func(b []byte) []byte { return b }
	zip := func(b []byte) []byte { return gzipped(t, b) }
	rename(datasettest.TrainImages, "train-images.idx3-ubyte", same)
	rename(datasettest.TrainLabels, "train-labels.idx1-ubyte.gz", zip)
	rename(datasettest.TestImages, "t10k-images-idx3-ubyte.gz", zip)

	training, test, err := dataset.Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if training.Len() != 20 || test.Len() != 5 || training.Rows != 2 || training.Cols != 3 {
		t.Errorf("%d and %d images of %dx%d", training.Len(), test.Len(), training.Rows, training.Cols)
	}
	if training.Images[6*19] != 19 || training.Labels[19] != 9 {
		t.Errorf("image 19 is %d with label %d", training.Images[6*19], training.Labels[19])
	}
}

func TestLoadNamesTheFileAndWhatIsWrongWithIt(t *testing.T) {
	ownCache(t)
	idx := datasettest.IDX
	for _, c := range []struct {
		name, file string
		content    []byte
		want       string
	}{
		{"truncated", datasettest.TrainImages, idx(dataset.Uint8, []int{20, 2, 3}, make([]byte, 119)), "ends after 119 of the 120 bytes"},
		{"empty", datasettest.TestLabels, nil, "too short for an IDX header"},
		{"labels as images", datasettest.TrainImages, idx(dataset.Uint8, []int{20}, make([]byte, 20)), "swapped?"},
		{"images as labels", datasettest.TestLabels, idx(dataset.Uint8, []int{5, 2, 3}, make([]byte, 30)), "swapped?"},
		{"wrong type", datasettest.TrainImages, idx(dataset.Int32, []int{20, 2, 3}, make([]byte, 480)), "int32"},
		{"no images", datasettest.TestImages, idx(dataset.Uint8, []int{0, 2, 3}, nil), "no images"},
		{"fewer labels", datasettest.TrainLabels, idx(dataset.Uint8, []int{19}, make([]byte, 19)), "19 labels for the 20 images of " + datasettest.TrainImages},
		{"label 10", datasettest.TestLabels, idx(dataset.Uint8, []int{5}, []byte{0, 1, 2, 10, 4}), "label 3 is 10"},
		{"other size", datasettest.TestImages, idx(dataset.Uint8, []int{5, 3, 3}, make([]byte, 45)), "3x3 and the training images 2x3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datasettest.Dir(t, ramp(20), ramp(5))
			datasettest.Write(t, dir, c.file, c.content)
			_, _, err := dataset.Load(dir, nil)
			var format dataset.FormatError
			var unsupported dataset.UnsupportedError
			if !errors.As(err, &format) && !errors.As(err, &unsupported) {
				t.Fatalf("error %v is neither a FormatError nor an UnsupportedError", err)
			}
			if !strings.Contains(err.Error(), filepath.Join(dir, c.file)) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want the file and %q", err, c.want)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		dir := datasettest.Dir(t, ramp(20), ramp(5))
		if err := os.Remove(filepath.Join(dir, datasettest.TestLabels)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := dataset.Load(dir, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), datasettest.TestLabels) {
			t.Errorf("error %v", err)
		}
	})
}
