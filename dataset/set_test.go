package dataset_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

// copies returns the paths of the decompressed copies.
func copies(t *testing.T) (paths []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "lenet", "decompressed", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if filepath.Ext(path) == "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// A gzipped file is decompressed once for each version of it, whatever keeps its name, its size and its modification time.
func TestADecompressedCopyIsNeverStale(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	path := filepath.Join(dir, datasettest.TestLabels)
	zipped := func(labels ...uint8) []byte { return gzipped(t, datasettest.IDX(dataset.Uint8, []int{5}, labels)) }
	first := func() uint8 {
		t.Helper()
		_, test, err := dataset.Load(dir, dataset.Format{})
		if err != nil {
			t.Fatal(err)
		}
		return test.Labels[0]
	}
	datasettest.Write(t, dir, datasettest.TestLabels, zipped(7, 1, 2, 3, 4))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := first(); got != 7 {
		t.Fatalf("the first label is %d, want 7", got)
	}
	made := copies(t)
	if len(made) != 1 {
		t.Fatalf("copies %q", made)
	}
	before, err := os.Stat(made[0])
	if err != nil {
		t.Fatal(err)
	}
	first()
	if after, err := os.Stat(made[0]); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file is the same, and it was decompressed again (%v)", err)
	}

	for label, replace := range map[uint8]func(content []byte) error{
		8: func(content []byte) error { return os.WriteFile(path, content, 0o666) }, // in place
		9: func(content []byte) error { // another file in its place, as tar and git do
			other := path + ".new"
			return errors.Join(os.WriteFile(other, content, 0o666), os.Rename(other, path))
		},
	} {
		if err := errors.Join(replace(zipped(label, 1, 2, 3, 4)), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
		if got := first(); got != label {
			t.Errorf("the file was replaced by one of the same time and size, and the first label is %d, want %d", got, label)
		}
	}
}

// A copy that somebody has changed is made again. One that was only copied itself, as with the whole cache, is used.
func TestADecompressedCopyIsNotTrustedBlindly(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	datasettest.Write(t, dir, datasettest.TestLabels, gzipped(t, datasettest.IDX(dataset.Uint8, []int{5}, []byte{7, 1, 2, 3, 4})))
	load := func() *dataset.Set {
		t.Helper()
		_, test, err := dataset.Load(dir, dataset.Format{})
		if err != nil {
			t.Fatal(err)
		}
		return test
	}
	load()
	path := copies(t)[0]
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"a bit": func() error {
			return os.WriteFile(path, append(content[:len(content)-5:len(content)-5], 9, 1, 2, 3, 4), 0o666)
		},
		"cut":        func() error { return os.Truncate(path, 6) },
		"its note":   func() error { return os.WriteFile(path+".json", []byte("{"), 0o666) },
		"removed":    func() error { return os.Remove(path) },
		"an old one": func() error { return os.Remove(path + ".json") },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		_ = os.Chtimes(path, info.ModTime(), info.ModTime())
		if got := load().Labels; !slices.Equal(got, []uint8{7, 1, 2, 3, 4}) {
			t.Errorf("%s: labels %v", name, got)
		}
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, content, 0o666)); err != nil {
		t.Fatal(err)
	}
	copied, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	load()
	if after, err := os.Stat(path); err != nil || !os.SameFile(copied, after) {
		t.Errorf("a copy of the cache was not used (%v)", err)
	}
}

func TestWithoutACacheAGzippedFileIsDecodedToTheHeap(t *testing.T) {
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	datasettest.Write(t, dir, datasettest.TestLabels, gzipped(t, datasettest.IDX(dataset.Uint8, []int{5}, []uint8{7, 1, 2, 3, 4})))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, datasettest.TrainImages)) // a file, not a folder
	_, test, err := dataset.Load(dir, dataset.Format{})
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

	training, test, err := dataset.Load(dir, dataset.Format{})
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
		{"label 300", datasettest.TestLabels, idx(dataset.Int16, []int{5}, []byte{0, 0, 0, 1, 0, 2, 1, 44, 0, 4}), "label 3 is 300"},
		{"label -1", datasettest.TestLabels, idx(dataset.Int8, []int{5}, []byte{0, 1, 2, 255, 4}), "label 3 is -1"},
		{"no integers", datasettest.TestLabels, idx(dataset.Float32, []int{5}, make([]byte, 20)), "labels are integers"},
		{"other size", datasettest.TestImages, idx(dataset.Uint8, []int{5, 3, 3}, make([]byte, 45)), "3x3 and the training images 2x3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datasettest.Dir(t, ramp(20), ramp(5))
			datasettest.Write(t, dir, c.file, c.content)
			_, _, err := dataset.Load(dir, dataset.Format{})
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
		if _, _, err := dataset.Load(dir, dataset.Format{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), datasettest.TestLabels) {
			t.Errorf("error %v", err)
		}
	})
}
