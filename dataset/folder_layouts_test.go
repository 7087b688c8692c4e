package dataset_test

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
)

// pictures writes a picture for each path, whose last element is left to be named.
func pictures(t *testing.T, dir string, folders ...string) {
	t.Helper()
	for i, folder := range folders {
		for j := range 3 {
			save(t, spot(16, 16, 2+i%10, 0, uint8(200+j)), dir, folder, fmt.Sprint(j, ".png"))
		}
	}
}

// Training and test pictures are where the archives of many sets have them.
func TestFoldersOfTrainingAndTestPicturesAreFound(t *testing.T) {
	ownCache(t)
	for name, c := range map[string]struct {
		folders     []string
		classes     []string
		train, test int
		notices     int
	}{
		"cats and dogs":      {[]string{"training_set/cats", "training_set/dogs", "test_set/cats", "test_set/dogs"}, []string{"cats", "dogs"}, 6, 6, 0},
		"MNIST as JPG":       {[]string{"trainingSet/trainingSet/0", "trainingSet/trainingSet/1", "trainingSample/trainingSample/0", "testSet/testSet"}, []string{"0", "1"}, 6, 0, 2},
		"mnist_png":          {[]string{"mnist_png/training/0", "mnist_png/training/1", "mnist_png/testing/0", "mnist_png/testing/1"}, []string{"0", "1"}, 6, 6, 0},
		"images":             {[]string{"Train Images/a", "Train Images/b", "Test Images/a", "Test Images/b"}, []string{"a", "b"}, 6, 6, 0},
		"twice":              {[]string{"train/train/a", "train/train/b", "test/test/a", "test/test/b"}, []string{"a", "b"}, 6, 6, 0},
		"dev":                {[]string{"train/a", "train/b", "dev/a", "dev/b"}, []string{"a", "b"}, 6, 6, 0},
		"a class named test": {[]string{"car", "test", "train"}, []string{"car", "test", "train"}, 9, 0, 1},
		"upper case":         {[]string{"train/K0", "train/K1", "test/k0", "test/k1"}, []string{"K0", "K1"}, 6, 6, 0},
		"accents":            {[]string{"train/caf\u00e9", "train/bar", "test/cafe\u0301", "test/bar"}, []string{"bar", "caf\u00e9"}, 6, 6, 0},
		"a system's folders": {[]string{"train/a", "train/b", "train/@eaDir", "test/a", "test/b"}, []string{"a", "b"}, 6, 6, 0},
	} {
		dir := t.TempDir()
		pictures(t, dir, c.folders...)
		datasettest.Write(t, dir, "README.md", nil)
		data, log, err := own(t, dataset.Files{Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		train, test := data.Train.Len(), data.Test.Len()
		if c.test == 0 { // split off
			train, test = train+test, 0
		}
		if !slices.Equal(data.Train.Names, c.classes) || train != c.train && c.test > 0 || test != c.test || len(log) != c.notices {
			t.Errorf("%s: classes %q, %d and %d images, notices %q", name, data.Train.Names, data.Train.Len(), data.Test.Len(), log)
		}
	}
}

// Folders that hold the same folders each are no classes, whatever they are called.
func TestFoldersOfSplitsAreNoClasses(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	pictures(t, dir, "learn/a", "learn/b", "check/a", "check/b")
	if _, _, err := own(t, dataset.Files{Dir: dir}); err == nil || !strings.Contains(err.Error(), "name those of training and of test pictures train and test") {
		t.Errorf("error %v", err)
	}
	dir = t.TempDir()
	pictures(t, dir, "test/a", "test/b")
	if _, _, err := own(t, dataset.Files{Dir: dir}); err == nil || !strings.Contains(err.Error(), "no folder of training pictures") {
		t.Errorf("error %v", err)
	}
}

// A class does not vanish because its pictures cannot be read.
func TestEveryClassHasPictures(t *testing.T) {
	ownCache(t)
	for name, content := range map[string]string{"photo.heic": "\x00\x00\x00\x18ftypheic", "broken.png": "\x89PNG"} {
		dir := t.TempDir()
		pictures(t, dir, "train/a", "train/b", "test/a", "test/b")
		if err := os.MkdirAll(filepath.Join(dir, "train", "c"), 0o777); err != nil {
			t.Fatal(err)
		}
		datasettest.Write(t, filepath.Join(dir, "train", "c"), name, []byte(content))
		if _, log, err := own(t, dataset.Files{Dir: dir}); err == nil || !strings.Contains(err.Error(), "none of the pictures of c") || len(log) != 1 {
			t.Errorf("%s: %v, notices %q", name, err, log)
		}
	}
}

// Pictures of many colours and sizes that show no digit are scaled as wholes; so are those that are to be classified later.
func TestPicturesOfOtherThingsAreScaledAsWholes(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for _, class := range []string{"sky", "wood"} {
		for i := range 14 {
			p := image.NewRGBA(image.Rect(0, 0, 100+i, 80))
			for y := range 80 {
				for x := range 100 + i {
					v := uint8(random.IntN(120))
					if class == "sky" {
						v += uint8(y)
					}
					p.Set(x, y, color.RGBA{v, v / 2, 255 - v, 255})
				}
			}
			save(t, p, dir, class, fmt.Sprint(i, ".png"))
		}
	}
	for range 2 {
		data, log, err := own(t, dataset.Files{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if data.Train.Len()+data.Test.Len() != 28 || !data.Train.Whole || !data.Test.Whole || len(log) != 2 || !strings.Contains(log[0], "as wholes") {
			t.Errorf("%d and %d images, whole: %v, notices %q", data.Train.Len(), data.Test.Len(), data.Train.Whole, log)
		}
	}
}
