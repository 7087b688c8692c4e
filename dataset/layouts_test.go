package dataset_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/option"
)

// written writes the four files of two sets under other names, below a new folder.
func written(t *testing.T, training, test *dataset.Set, names ...string) string {
	t.Helper()
	from, dir := datasettest.Dir(t, training, test), t.TempDir()
	for i, name := range []string{datasettest.TrainImages, datasettest.TrainLabels, datasettest.TestImages, datasettest.TestLabels} {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(names[i], ".gz") {
			content = gzipped(t, content)
		}
		path := filepath.Join(dir, names[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, content, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each set is looked for in the folder that its downloader, or its browser, leaves.
func TestASetIsFoundUnderTheNamesThatItGoesBy(t *testing.T) {
	ownCache(t)
	for name, files := range map[string][]string{
		"MNIST":       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte.gz"},
		"torchvision": {"MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte", "MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw/t10k-labels-idx1-ubyte"},
		"EMNIST": {"gzip/emnist-digits-train-images-idx3-ubyte.gz", "gzip/emnist-digits-train-labels-idx1-ubyte.gz",
			"gzip/emnist-digits-test-images-idx3-ubyte.gz", "gzip/emnist-digits-test-labels-idx1-ubyte.gz"},
		"QMNIST":    {"qmnist-train-images-idx3-ubyte.gz", "qmnist-train-labels-idx2-int.gz", "qmnist-test-images-idx3-ubyte.gz", "qmnist-test-labels-idx2-int.gz"},
		"a browser": {"train-images-idx3-ubyte (1).gz", "train-labels-idx1-ubyte(2).gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte (1)"},
		"unpacked": {"train-images-idx3-ubyte/train-images-idx3-ubyte", "train-labels-idx1-ubyte/train-labels-idx1-ubyte",
			"t10k-images-idx3-ubyte/t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
		"folders":     {"train/train-images-idx3-ubyte", "train/train-labels-idx1-ubyte.gz", "test/t10k-images-idx3-ubyte", "test/t10k-labels-idx1-ubyte"},
		"underscores": {"train_images.idx3", "train_labels.idx1", "test_images.idx3", "test_labels.idx1"},
		"capitals":    {"Train-Images-idx3-ubyte.gz", "Train-Labels-idx1-ubyte.gz", "Test-Images-idx3-ubyte.gz", "Test-Labels-idx1-ubyte.gz"},
	} {
		training, test, err := dataset.Load(written(t, ramp(20), ramp(5), files...), dataset.Format{})
		if err != nil || training.Len() != 20 || test.Len() != 5 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A folder that has the name of a file does not hide the file.
func TestAFolderOfAFilesNameIsNoFile(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	content, err := os.ReadFile(filepath.Join(dir, datasettest.TrainImages))
	if err := errors.Join(err, os.Remove(filepath.Join(dir, datasettest.TrainImages)), os.Mkdir(filepath.Join(dir, datasettest.TrainImages), 0o777)); err != nil {
		t.Fatal(err)
	}
	datasettest.Write(t, dir, datasettest.TrainImages+".gz", gzipped(t, content))
	if training, _, err := dataset.Load(dir, dataset.Format{}); err != nil || training.Len() != 20 {
		t.Errorf("%v", err)
	}
}

func TestOneOfSeveralSetsIsGivenByName(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	for i, split := range []string{"digits", "letters"} {
		name := "emnist-" + split + "-"
		from := written(t, ramp(20+i), ramp(5), name+"train-images-idx3-ubyte", name+"train-labels-idx1-ubyte", name+"test-images-idx3-ubyte", name+"test-labels-idx1-ubyte")
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := dataset.Load(dir, dataset.Format{})
	if several := new(option.Error); !errors.As(err, &several) || !strings.Contains(err.Error(), filepath.Join(dir, "emnist-letters")) {
		t.Errorf("error %v", err)
	}
	training, _, err := dataset.Load(filepath.Join(dir, "emnist-letters")+"/", dataset.Format{})
	if err != nil || training.Len() != 21 {
		t.Errorf("%v", err)
	}
	if _, _, err := dataset.Load(filepath.Join(dir, "emnist-balanced"), dataset.Format{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join(dir, "emnist-digits")+" or ") {
		t.Errorf("a set that is not there: %v", err)
	}
}

func TestAMissingSetIsToldWithWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mnist.npz", "notes.txt"} {
		datasettest.Write(t, dir, name, nil)
	}
	if _, _, err := dataset.Load(dir, dataset.Format{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "mnist.npz, notes.txt; .npz") {
		t.Errorf("error %v", err)
	}
	datasettest.Write(t, dir, "train-images-idx3-ubyte.gz", nil)
	datasettest.Write(t, dir, "t10k-images-idx3-ubyte.gz", nil)
	_, _, err := dataset.Load(dir, dataset.Format{})
	if want := "no training labels (train-labels-idx1-ubyte) or test labels (t10k-labels-idx1-ubyte); it holds t10k-images-idx3-ubyte.gz, train-images-idx3-ubyte.gz"; !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
}

// labelled returns a set of one image of 2x3 pixels for each label.
func labelled(labels ...uint8) *dataset.Set {
	return &dataset.Set{Rows: 2, Cols: 3, Images: make([]uint8, 6*len(labels)), Labels: labels}
}

// The number of classes follows the labels of both sets, which begin at 0 or at 1, or the names.
func TestClassesFollowTheLabels(t *testing.T) {
	letters := strings.Split("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "")
	all := func(first, n int) (labels []uint8) {
		for i := range n {
			labels = append(labels, uint8(first+i))
		}
		return labels
	}
	for _, c := range []struct {
		name        string
		train, test []uint8
		names       []string
		classes     int
		first, last string // names of classes
		label       uint8  // of the first training image
	}{
		{"two", []uint8{1, 0}, []uint8{0}, nil, 2, "0", "1", 1},
		{"letters from 1", all(1, 26), all(1, 26), nil, 26, "1", "26", 0},
		{"letters by name", all(1, 26), all(1, 26), letters, 26, "A", "Z", 0},
		{"letters by name, with one for 0", all(1, 26), all(1, 26), append([]string{"none"}, letters...), 27, "none", "Z", 1},
		{"balanced", all(0, 47), all(0, 47), nil, 47, "0", "46", 0},
		{"the largest in the test set", []uint8{0, 1}, []uint8{4}, nil, 5, "0", "4", 0},
		{"more names than labels", []uint8{0, 1}, []uint8{1}, letters, 26, "A", "Z", 0},
		{"256", all(0, 256), []uint8{3}, nil, 256, "0", "255", 0},
	} {
		training, test, err := dataset.Load(datasettest.Dir(t, labelled(c.train...), labelled(c.test...)), dataset.Format{Classes: c.names})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, s := range []*dataset.Set{training, test} {
			if s.Classes != c.classes || len(s.Names) != c.classes || s.Names[0] != c.first || s.Names[c.classes-1] != c.last {
				t.Errorf("%s: %d classes, %q", c.name, s.Classes, s.Names)
			}
		}
		if training.Labels[0] != c.label {
			t.Errorf("%s: the first label is %d, want %d", c.name, training.Labels[0], c.label)
		}
	}
	for want, names := range map[string][]string{"all labels are 0": nil, "labels are 0 to 5, and there are 2 names": {"a", "b"}} {
		labels := []uint8{0, 0}
		if names != nil {
			labels[1] = 5
		}
		if _, _, err := dataset.Load(datasettest.Dir(t, labelled(labels...), labelled(labels[0])), dataset.Format{Classes: names}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// QMNIST's labels are rows of eight int32, of which the first is the class.
func TestLabelsMayBeIntegersInColumns(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, labelled(0, 1, 2), labelled(0, 1))
	for file, labels := range map[string][]uint32{datasettest.TrainLabels: {7, 0, 9}, datasettest.TestLabels: {4, 5}} {
		var content []byte
		for i, label := range labels {
			for column := range 8 {
				value := uint32(1000*i + column)
				if column == 0 {
					value = label
				}
				content = binary.BigEndian.AppendUint32(content, value)
			}
		}
		idx := datasettest.IDX(dataset.Int32, []int{len(labels), 8}, content)
		if file == datasettest.TestLabels {
			idx = gzipped(t, idx)
		}
		datasettest.Write(t, dir, file, idx)
	}
	training, test, err := dataset.Load(dir, dataset.Format{})
	if err != nil || !slices.Equal(training.Labels, []uint8{7, 0, 9}) || !slices.Equal(test.Labels, []uint8{4, 5}) || training.Classes != 10 {
		t.Errorf("%+v, %+v (%v)", training, test, err)
	}
}

// Images that are stored column by column are turned, whether or not there is a cache for the copy.
func TestTranspose(t *testing.T) {
	set := &dataset.Set{Rows: 2, Cols: 3, Images: []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, Labels: []uint8{0, 1}}
	dir := datasettest.Dir(t, set, set)
	want := []uint8{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}
	for _, cache := range []string{t.TempDir(), filepath.Join(dir, datasettest.TrainImages)} {
		t.Setenv("XDG_CACHE_HOME", cache)
		training, test, err := dataset.Load(dir, dataset.Format{Transpose: true})
		if err != nil || training.Rows != 3 || training.Cols != 2 || !slices.Equal(training.Images, want) || !slices.Equal(test.Images, want) {
			t.Errorf("%+v (%v)", training, err)
		}
	}
}

// A pipe in a file's place is read once, from its beginning to its end.
func TestAPipeIsTransposedToo(t *testing.T) {
	ownCache(t)
	set := &dataset.Set{Rows: 1, Cols: 2, Images: []uint8{1, 2, 3, 4}, Labels: []uint8{0, 1}}
	dir := datasettest.Dir(t, set, set)
	path := filepath.Join(dir, datasettest.TrainImages)
	content, err := os.ReadFile(path)
	if err := errors.Join(err, os.Remove(path), unix.Mkfifo(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(path, content, 0o666) }()
	training, _, err := dataset.Load(dir, dataset.Format{Transpose: true})
	if err != nil || training.Rows != 2 || training.Cols != 1 {
		t.Errorf("%+v (%v)", training, err)
	}
}

// An image may state its one channel.
func TestImagesMayHaveAChannel(t *testing.T) {
	for _, dims := range [][]int{{2, 1, 2, 3}, {2, 2, 3, 1}} {
		dir := datasettest.Dir(t, labelled(0, 1), labelled(0))
		datasettest.Write(t, dir, datasettest.TrainImages, datasettest.IDX(dataset.Uint8, dims, make([]byte, 12)))
		if training, _, err := dataset.Load(dir, dataset.Format{}); err != nil || training.Rows != 2 || training.Cols != 3 {
			t.Errorf("%v: %v", dims, err)
		}
	}
}

func TestRelabelled(t *testing.T) {
	letters := strings.Split("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "")
	words := strings.Fields("zero one two three four five six seven eight nine")
	var log []string
	for _, c := range []struct {
		set, network []string
		first        int
		want         []uint8 // of the set's classes; nil: an error
		notice       bool
	}{
		{[]string{"cat", "dog"}, []string{"bird", "dog", "cat"}, 0, []uint8{2, 1}, false},
		{[]string{"cat", "dog"}, []string{"bird", "cat"}, 0, nil, false},
		{[]string{"4", "5"}, dataset.Numbers(10), 0, []uint8{4, 5}, false}, // labels from 4 on
		{[]string{"1", "2"}, dataset.Numbers(10), 0, []uint8{1, 2}, false}, // a set that lacks 0
		{dataset.Numbers(3), []string{"1", "2", "3", "4", "5"}, 0, nil, false},
		{dataset.Numbers(9)[1:], words, 0, []uint8{1, 2, 3, 4, 5, 6, 7, 8}, false},
		{dataset.Numbers(27)[1:], letters, 1, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}, false},
		{dataset.Numbers(27), letters, 1, nil, false},
		{dataset.Numbers(12), words, 0, nil, false},
		{[]string{"cat", "dog", "bird"}, dataset.Numbers(3), 0, []uint8{0, 1, 2}, true}, // whose classes have names now
		{[]string{"three", "seven"}, dataset.Numbers(10), 0, nil, false},
	} {
		log = nil
		set := &dataset.Set{Rows: 1, Cols: 1, Classes: len(c.set), Names: c.set}
		for i := range c.set {
			set.Images, set.Labels = append(set.Images, 0), append(set.Labels, uint8(i))
		}
		other, err := set.Relabelled(c.network, c.first, func(line string) { log = append(log, line) })
		switch {
		case (err != nil) != (c.want == nil) || c.notice != (log != nil):
			t.Errorf("%q for %q: %v, notices %q", c.set, c.network, err, log)
		case err == nil && (!slices.Equal(other.Labels, c.want) || set.Labels[0] != 0 || other.Classes != len(c.network)):
			t.Errorf("%q for %q: %v, want %v", c.set, c.network, other.Labels, c.want)
		}
	}
}

func TestNumbered(t *testing.T) {
	for want, names := range map[bool][]string{true: {"3", "4", "5"}, false: {"20240101", "20240103"}} {
		if dataset.Numbered(names) != want {
			t.Errorf("%q", names)
		}
	}
}

// A test set alone is enough to measure a network on.
func TestATestSetMayStandAlone(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	for _, name := range []string{datasettest.TrainImages, datasettest.TrainLabels} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pictured := t.TempDir()
	pictures(t, pictured, "test/a", "test/b")
	for dir, n := range map[string]int{dir: 5, pictured: 6} {
		if _, _, err := own(t, dataset.Files{Dir: dir}); err == nil {
			t.Errorf("%s: a training set that is missing was no error", dir)
		}
		if data, _, err := own(t, dataset.Files{Dir: dir, TestOnly: true}); err != nil || data.Test.Len() != n {
			t.Errorf("%v", err)
		}
	}
}
