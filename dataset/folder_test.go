package dataset_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/option"
)

// save writes a picture as a PNG file, and the folders that it is in.
func save(t *testing.T, picture image.Image, elements ...string) {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(file, picture), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// spot returns a picture of rows x cols pixels with a spot of 4x4 at (at, at).
func spot(rows, cols, at int, ground, ink uint8) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, cols, rows))
	for i := range g.Pix {
		g.Pix[i] = ground
	}
	for y := at; y < at+4; y++ {
		for x := at; x < at+4; x++ {
			g.SetGray(x, y, color.Gray{ink})
		}
	}
	return g
}

// enlarged returns a picture eight times as large.
func enlarged(g *image.Gray) *image.Gray {
	big := image.NewGray(image.Rect(0, 0, 8*g.Rect.Dx(), 8*g.Rect.Dy()))
	for y := range big.Rect.Dy() {
		for x := range big.Rect.Dx() {
			big.SetGray(x, y, g.GrayAt(x/8, y/8))
		}
	}
	return big
}

// own loads a user's own set as the commands do.
func own(t *testing.T, files dataset.Files) (*dataset.Data, []string, error) {
	t.Helper()
	var log []string
	source := dataset.Source{Dataset: "mnist", Files: files}
	data, err := source.Load(t.Context(), func(line string) { log = append(log, line) })
	return data, log, err
}

func TestFoldersOfPicturesAreASet(t *testing.T) {
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "letters")
	for i, class := range []string{"a", "b", "10", "9"} {
		for j := range 3 {
			save(t, spot(20, 44, 2+i, 0, uint8(100+j)), dir, "Train", class, string(rune('x'+j))+".png")
		}
		save(t, spot(20, 44, 2+i, 0, 200), dir, "test", class, "sub", "deeper.png")
	}
	datasettest.Write(t, filepath.Join(dir, "Train"), ".DS_Store", nil)
	datasettest.Write(t, filepath.Join(dir, "Train", "a"), "notes.txt", nil)
	for range 2 { // the second time from the cache
		data, log, err := own(t, dataset.Files{Dir: dir})
		if err != nil || len(log) != 0 {
			t.Fatalf("%v, notices %q", err, log)
		}
		s := data.Train
		if data.Name != "letters" || s.Rows != 20 || s.Cols != 44 || s.Classes != 4 || !slices.Equal(s.Names, []string{"9", "10", "a", "b"}) {
			t.Fatalf("%s: %dx%d, classes %q", data.Name, s.Rows, s.Cols, s.Names)
		}
		if !slices.Equal(s.Labels, []uint8{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}) || !slices.Equal(data.Test.Labels, []uint8{0, 1, 2, 3}) {
			t.Errorf("labels %v and %v", s.Labels, data.Test.Labels)
		}
		// Class 9 was the fourth, with its spot at (5, 5).
		if s.Images[5*44+5] != 100 || s.Images[20*44+5*44+5] != 101 || s.Images[5*44+4] != 0 || data.Test.Images[5*44+5] != 200 {
			t.Error("the images are not the pictures")
		}
	}
	save(t, spot(20, 44, 9, 0, 255), dir, "test", "a", "sub", "deeper.png")
	if data, _, err := own(t, dataset.Files{Dir: dir}); err != nil || data.Test.Images[2*20*44+9*44+9] != 255 {
		t.Errorf("a picture changed, and its image did not (%v)", err)
	}
}

// Without a folder of test pictures, some are set aside: the same ones each time.
func TestOneFolderOfPicturesIsSplit(t *testing.T) {
	ownCache(t)
	root := t.TempDir() // of an archive: all is in one folder of it
	dir := filepath.Join(root, "archive")
	for i := range 42 {
		save(t, spot(16, 16, 2, 255, uint8(3*i)), dir, []string{"left", "right"}[i%2], string(rune('A'+i))+".png")
	}
	var before []uint8
	for range 2 {
		data, log, err := own(t, dataset.Files{Dir: root})
		if err != nil {
			t.Fatal(err)
		}
		if data.Train.Len() != 36 || data.Test.Len() != 6 || len(log) != 1 || !strings.Contains(log[0], "6 of its 42") {
			t.Errorf("%d and %d images, notices %q", data.Train.Len(), data.Test.Len(), log)
		}
		if !slices.Equal(data.Test.Labels, []uint8{0, 0, 0, 1, 1, 1}) {
			t.Errorf("labels %v", data.Test.Labels)
		}
		if data.Train.Images[0] != 0 {
			t.Error("dark ink on light ground was not made light on dark")
		}
		if before != nil && !slices.Equal(before, data.Test.Images) {
			t.Error("another split")
		}
		before = slices.Clone(data.Test.Images)
	}
}

// Numbers, and names that begin with one, have one order, whatever the order in which the folders are read.
func TestClassesHaveOneOrder(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	want := []string{"2", "10", "1a", "2b", "B", "c"}
	for _, class := range want {
		save(t, spot(16, 16, 2, 0, 255), dir, "train", class, "a.png")
		save(t, spot(16, 16, 2, 0, 255), dir, "test", class, "a.png")
	}
	for range 10 {
		data, _, err := own(t, dataset.Files{Dir: dir})
		if err != nil || !slices.Equal(data.Train.Names, want) {
			t.Fatalf("classes %q, want %q (%v)", data.Train.Names, want, err)
		}
	}
}

// Ink that is only in the alpha channel is seen, whatever its colour.
func TestTransparentPicturesAreASet(t *testing.T) {
	for _, ink := range []uint8{0, 255} {
		ownCache(t)
		dir := t.TempDir()
		for _, class := range []string{"0", "1"} {
			for _, split := range []string{"train", "test"} {
				p := image.NewNRGBA(image.Rect(0, 0, 16, 16))
				p.Set(5, 6, color.NRGBA{ink, ink, ink, 255})
				save(t, p, dir, split, class, "p.png")
			}
		}
		data, _, err := own(t, dataset.Files{Dir: dir})
		if err != nil || data.Train.Images[0] != 0 || data.Train.Images[6*16+5] != 255 {
			t.Errorf("ink %d: %v", ink, err)
		}
	}
}

// Pictures of several sizes are prepared as those that are to be classified are; one that cannot be read is left out.
func TestPhotographsArePrepared(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	for i := range 8 {
		save(t, enlarged(spot(20+i, 40, 8, 230, 20)), dir, "train", []string{"0", "1"}[i%2], string(rune('a'+i))+".png")
		save(t, enlarged(spot(40, 40+i, 8, 230, 20)), dir, "test", []string{"0", "1"}[i%2], string(rune('a'+i))+".png")
	}
	datasettest.Write(t, filepath.Join(dir, "train", "0"), "broken.png", []byte("\x89PNG\r\n"))
	for range 2 {
		data, log, err := own(t, dataset.Files{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if data.Train.Len() != 8 || data.Train.Rows != 28 || len(log) != 1 || !strings.Contains(log[0], "broken.png") {
			t.Errorf("%d images of %d rows, notices %q", data.Train.Len(), data.Train.Rows, log)
		}
		if data.Train.Images[0] != 0 || data.Train.Images[14*28+14] < 200 {
			t.Error("the spot does not fill the middle")
		}
	}
}

// A large folder takes minutes: Ctrl-C ends that, and nothing half-read is kept.
func TestReadingAFolderOfPicturesEndsWithItsContext(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	for i := range 20 {
		save(t, spot(16, 16, 2, 0, 255), dir, []string{"cat", "dog"}[i%2], string(rune('a'+i))+".png")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	source := dataset.Source{Files: dataset.Files{Dir: dir}}
	if _, err := source.Load(ctx, func(string) {}); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	if data, _, err := own(t, source.Files); err != nil || data.Train.Len()+data.Test.Len() != 20 {
		t.Errorf("the next time: %v", err)
	}
}

func TestFoldersOfPicturesThatAreNoSet(t *testing.T) {
	ownCache(t)
	one, train, alone, few := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	save(t, spot(16, 16, 2, 0, 255), one, "train", "cat", "a.png")
	for _, class := range []string{"cat", "dog"} {
		save(t, spot(16, 16, 2, 0, 255), train, "train", strings.Replace(class, "dog", "bird", 1), class+".png")
		save(t, spot(16, 16, 2, 0, 255), train, "test", class, "a.png")
		save(t, spot(16, 16, 2, 0, 255), alone, class+".png")
		save(t, spot(16, 16, 2, 0, 255), few, class, "a.png")
	}
	for dir, want := range map[string]string{
		one: "pictures of cat alone", train: "no pictures of dog", alone: "folders of pictures; it holds cat.png, dog.png", few: "too few",
	} {
		if _, _, err := own(t, dataset.Files{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestNamesOfClassesComeFromAFile(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, labelled(0, 1, 2), labelled(0, 1, 2))
	write := func(text string) string {
		datasettest.Write(t, dir, "classes.txt", []byte(text))
		return filepath.Join(dir, "classes.txt")
	}
	for text, want := range map[string][]string{
		"cat\ndog\nbird\n":                   {"cat", "dog", "bird"},
		"\uFEFFcat\r\nbig dog\r\nbird":       {"cat", "big dog", "bird"},
		"0 65\n1 66 98\n2 67\n":              {"A", "B", "C"}, // EMNIST's mapping files
		"\n cat \n\ndog\n鳥\n":                {"cat", "dog", "鳥"},
		"# animals\ncat\ndog\n# birds\nbird": {"cat", "dog", "bird"},
		"2 bird\n0 cat\n1 big dog\n":         {"cat", "big dog", "bird"},
		"label,name\n0,cat\n1,dog\n2,bird":   {"cat", "dog", "bird"},
		"2 67\n1 66\n0 65\n":                 {"A", "B", "C"},
		"1 cat\n2 cat\n9 cats":               {"1 cat", "2 cat", "9 cats"}, // no labels
		"7\n8\n9":                            {"7", "8", "9"},
		"cat\ndog\nbird\nnone of these\n":    {"cat", "dog", "bird", "none of these"},
	} {
		data, _, err := own(t, dataset.Files{Dir: dir, Classes: write(text)})
		if err != nil || !slices.Equal(data.Train.Names, want) || !slices.Equal(data.Test.Names, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"cat\ncat\ndog\n": "twice", "cat\n": "1 names", "": "0 names", "\xff\xfec\x00a\x00t\x00": "UTF-8", "c\x00a\x00t\x00\n\x00": "UTF-8", "caf\xe9\ndog\nbird": "UTF-8",
	} {
		_, _, err := own(t, dataset.Files{Dir: dir, Classes: write(text)})
		if usage := new(option.Error); !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if _, _, err := own(t, dataset.Files{Dir: dir, Classes: write("cat\ndog\n")}); err == nil || !strings.Contains(err.Error(), "2 names") {
		t.Errorf("too few names: %v", err)
	}
	if _, _, err := own(t, dataset.Files{Dir: dir, Classes: filepath.Join(dir, "none")}); err == nil {
		t.Error("a file that is not there")
	}
	if _, _, err := own(t, dataset.Files{Classes: write("a\nb\n")}); err == nil || !strings.Contains(err.Error(), "--classes") {
		t.Errorf("names for a set that has its own: %v", err)
	}
}

// EMNIST's own files, and torchvision's folders, have the names of the classes of these sets.
func TestKnownFilesHaveTheirNames(t *testing.T) {
	ownCache(t)
	const name = "emnist-letters-"
	dir := written(t, labelled(1, 2, 26), labelled(3), name+"train-images-idx3-ubyte", name+"train-labels-idx1-ubyte", name+"test-images-idx3-ubyte", name+"test-labels-idx1-ubyte")
	data, log, err := own(t, dataset.Files{Dir: dir})
	if err != nil || data.Train.Names[25] != "Z" || data.Train.Labels[2] != 25 || len(log) != 2 || !strings.Contains(log[0], "--transpose") {
		t.Errorf("%v, notices %q", err, log)
	}
	if data, log, err := own(t, dataset.Files{Dir: dir, Transpose: new(true)}); err != nil || len(log) != 1 || !strings.Contains(log[0], "no training images of the classes C, D, E, F, G, H, I, J, K, L, 13 more") || data.Train.Rows != 3 {
		t.Errorf("%v, notices %q", err, log)
	}
	raw := "FashionMNIST/raw/"
	dir = written(t, labelled(1, 2, 9), labelled(3), raw+datasettest.TrainImages, raw+datasettest.TrainLabels, raw+datasettest.TestImages, raw+datasettest.TestLabels)
	data, _, err = own(t, dataset.Files{Dir: filepath.Join(dir, raw)})
	if err != nil || data.Name != "FashionMNIST" || data.Train.Names[9] != "Ankle boot" || data.Train.Labels[2] != 9 {
		t.Errorf("%v: %+v", err, data)
	}
}
