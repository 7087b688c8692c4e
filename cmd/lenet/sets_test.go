package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/runs"
)

// Sets of other kinds, made of MNIST's first images.
const (
	manyTraining = 12000
	manyTest     = 1000
)

// reshaped returns a set of the images that f makes of a set's.
func reshaped(s *dataset.Set, rows, cols int, f func(pixels []uint8, x, y int) uint8) *dataset.Set {
	other := &dataset.Set{Rows: rows, Cols: cols, Labels: s.Labels}
	for i := range s.Len() {
		pixels := s.Images[i*28*28:][:28*28]
		for y := range rows {
			for x := range cols {
				other.Images = append(other.Images, f(pixels, x, y))
			}
		}
	}
	return other
}

// variants returns a set of more classes than ten: image i is the digit as it is, turned upside down, mirrored, inverted or dim.
func variants(s *dataset.Set, classes, first int) *dataset.Set {
	other := &dataset.Set{Rows: 28, Cols: 28}
	for i := range s.Len() {
		variant := i % ((classes + 9) / 10)
		class := int(s.Labels[i]) + 10*variant
		if class >= classes {
			continue
		}
		pixels := s.Images[i*28*28:][:28*28]
		for y := range 28 {
			for x := range 28 {
				v := pixels[y*28+x]
				switch variant {
				case 1:
					v = pixels[(27-y)*28+x]
				case 2:
					v = 255 - v
				case 3:
					v = pixels[y*28+27-x]
				case 4:
					v /= 3
				}
				other.Images = append(other.Images, v)
			}
		}
		other.Labels = append(other.Labels, uint8(class+first))
	}
	return other
}

// transposed returns the images stored column by column.
func transposed(s *dataset.Set) *dataset.Set {
	return reshaped(s, s.Cols, s.Rows, func(pixels []uint8, x, y int) uint8 { return pixels[x*s.Cols+y] })
}

// ownSet is a set of the user's own: the flags that name it, and what is to be expected of it.
type ownSet struct {
	flags    []string
	classes  []string // some of their names
	accuracy float64  // at least, after one epoch of the recipe fast
}

func ownSets(t *testing.T) map[string]ownSet {
	training, test := datasettest.MNIST(t)
	training, test = datasettest.First(training, manyTraining), datasettest.First(test, manyTest)
	folder := func(change func(*dataset.Set) *dataset.Set) string {
		return datasettest.Dir(t, change(training), change(test))
	}
	letters := filepath.Join(t.TempDir(), "letters.txt")
	if err := os.WriteFile(letters, []byte(strings.Join(strings.Split("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ""), "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	return map[string]ownSet{
		"26 classes from 1, transposed": {
			[]string{"--transpose", "--classes", letters, "--data", folder(func(s *dataset.Set) *dataset.Set { return transposed(variants(s, 26, 1)) })},
			[]string{"A", "M", "Z"}, 0.8},
		"47 classes": {[]string{"--data", folder(func(s *dataset.Set) *dataset.Set { return variants(s, 47, 0) })}, []string{"0", "46"}, 0.75},
		"32x32": {[]string{"--data", folder(func(s *dataset.Set) *dataset.Set {
			return reshaped(s, 32, 32, func(pixels []uint8, x, y int) uint8 {
				if x < 2 || y < 2 || x >= 30 || y >= 30 {
					return 0
				}
				return pixels[(y-2)*28+x-2]
			})
		})}, []string{"0", "9"}, 0.9},
		"20x44": {[]string{"--data", folder(func(s *dataset.Set) *dataset.Set {
			return reshaped(s, 20, 44, func(pixels []uint8, x, y int) uint8 { return pixels[(y+4)*28+3+x%22] })
		})}, []string{"0", "9"}, 0.9},
		"pictures":        {[]string{"--data", picturesOf(t, training, test)}, []string{"zero", "nine"}, 0.8},
		"QMNIST's labels": {[]string{"--data", withColumns(t, training, test)}, []string{"0", "9"}, 0.9},
	}
}

// picturesOf writes the first images of each set as PNG files, in a folder for each class.
func picturesOf(t *testing.T, training, test *dataset.Set) string {
	dir := filepath.Join(t.TempDir(), "digits")
	names := []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
	for split, s := range map[string]*dataset.Set{"train": datasettest.First(training, 4000), "test": datasettest.First(test, 300)} {
		for i := range s.Len() {
			class := filepath.Join(dir, split, names[s.Labels[i]])
			if err := os.MkdirAll(class, 0o777); err != nil {
				t.Fatal(err)
			}
			file, err := os.Create(filepath.Join(class, fmt.Sprint(i, ".png")))
			if err != nil {
				t.Fatal(err)
			}
			picture := image.Gray{Pix: s.Images[i*28*28:][:28*28], Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
			if err := png.Encode(file, &picture); err != nil {
				t.Fatal(err)
			}
			file.Close()
		}
	}
	return dir
}

// withColumns writes the labels as QMNIST has them: rows of eight int32, of which the first is the class.
func withColumns(t *testing.T, training, test *dataset.Set) string {
	dir := datasettest.Dir(t, training, test)
	for name, s := range map[string]*dataset.Set{datasettest.TrainLabels: training, datasettest.TestLabels: test} {
		var rows []byte
		for i, label := range s.Labels {
			rows = binary.BigEndian.AppendUint32(rows, uint32(label))
			for column := range 7 {
				rows = binary.BigEndian.AppendUint32(rows, uint32(i+column))
			}
		}
		datasettest.Write(t, dir, name, datasettest.IDX(dataset.Int32, []int{s.Len(), 8}, rows))
	}
	return dir
}

// Every command takes every set: what it is trained on decides the size of the images, the number of classes and their names.
func TestEveryCommandTakesEverySet(t *testing.T) {
	for name, set := range ownSets(t) {
		t.Run(name, func(t *testing.T) {
			run := filepath.Join(t.TempDir(), "run")
			do := func(args ...string) string {
				t.Helper()
				stdout, stderr, code := inProcess(t, append(args, "--device=cpu")...)
				if code != 0 {
					t.Fatalf("%q: exit code %d, %s", args, code, stderr)
				}
				return stdout
			}
			do(append([]string{"train", "--recipe=fast", "--out", run}, set.flags...)...)
			var measured struct {
				Accuracy  float64
				Confusion [][]int
			}
			if err := json.Unmarshal([]byte(do("eval", "--json", "--model", run)), &measured); err != nil {
				t.Fatal(err)
			}
			if measured.Accuracy < set.accuracy {
				t.Errorf("test accuracy %.3f, want %.3f or more", measured.Accuracy, set.accuracy)
			}
			table := strings.Fields(do("eval", "--model", run, "--out", run))
			do("predict", "--model", run)
			do("report", run)
			page, err := os.ReadFile(runs.Dir(run).Page())
			if err != nil {
				t.Fatal(err)
			}
			for _, class := range set.classes {
				if !slices.Contains(table, class) || !strings.Contains(string(page), ">"+class+"<") {
					t.Errorf("class %s is not in eval's table, or not in the report", class)
				}
			}
			sweep := do(append([]string{"tune", "--recipe=fast", "--lr=0.05,0.1", "--validation=500", "--out", run + "-sweep"}, set.flags...)...)
			if !strings.Contains(sweep, "validation chooses --lr") {
				t.Errorf("tune: %s", sweep)
			}
			do("report", run+"-sweep")
		})
	}
}

// A network trained on ten digits is measured on a set that lacks some of them, by the names of the classes.
func TestASetMayLackClassesOfTheNetwork(t *testing.T) {
	_, test := datasettest.MNIST(t)
	some := &dataset.Set{Rows: 28, Cols: 28}
	for i := range 1000 {
		if label := test.Labels[i]; label >= 1 && label <= 4 { // which begin at 1: by themselves they would be classes 0 to 3
			some.Images, some.Labels = append(some.Images, test.Images[i*28*28:][:28*28]...), append(some.Labels, label)
		}
	}
	stdout, stderr, code := inProcess(t, "eval", "--json", "--device=cpu", "--model", learnt(t), "--data", datasettest.Dir(t, some, some))
	var measured struct{ Accuracy float64 }
	if code != 0 || json.Unmarshal([]byte(stdout), &measured) != nil || measured.Accuracy < 0.9 {
		t.Errorf("test accuracy %v, exit code %d, %s", measured.Accuracy, code, stderr)
	}
}
