package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/metrics"
)

// halves returns MNIST's first images in 20 classes: each digit as it is and, every other image, inverted.
func halves(t *testing.T, training, test int) (string, []string) {
	t.Helper()
	a, b := datasettest.MNIST(t)
	var sets [2]*dataset.Set
	for i, s := range []*dataset.Set{datasettest.First(a, training), datasettest.First(b, test)} {
		s.Images, s.Labels = slices.Clone(s.Images), slices.Clone(s.Labels)
		for j := 1; j < s.Len(); j += 2 {
			s.Labels[j] += 10
			for k := range 28 * 28 {
				s.Images[j*28*28+k] ^= 0xff
			}
		}
		sets[i] = s
	}
	var names []string
	for _, kind := range []string{"white", "black"} {
		for _, digit := range strings.Fields("zero one two three four five six seven eight nine") {
			names = append(names, kind+" "+digit+" <&>")
		}
	}
	return datasettest.Dir(t, sets[0], sets[1]), names
}

// The names of own classes are in eval's tables and JSON, in its pictures, and on the page, which is headed by the folder and has nothing of the original.
func TestOwnClassesAreNamedEverywhere(t *testing.T) {
	t.Parallel()
	dir, names := halves(t, 1000, 200)
	file, run := filepath.Join(t.TempDir(), "names.txt"), filepath.Join(t.TempDir(), "run")
	if err := os.WriteFile(file, []byte(strings.Join(names, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := lenet(t, "train", "--data", dir, "--classes", file, "--recipe=fast", "--batch-size=20", "--lr=0.03", "--epochs=4", "--device=cpu", "--threads=1", "--out", run); code != 0 {
		t.Fatal(stderr)
	}
	stdout, stderr, code := lenet(t, "eval", "--model", run, "--device=cpu")
	for _, want := range append([]string{"the most frequent confusions; the whole matrix is in the picture confusion\n", " → "}, names...) {
		if code != 0 || stderr != "" || !strings.Contains(stdout, want) {
			t.Fatalf("exit code %d, standard error %q; eval lacks %q:\n%s", code, stderr, want, stdout)
		}
	}
	svg, err := os.ReadFile(filepath.Join(run, "confusion.svg"))
	if err != nil || strings.Count(string(svg), ">white zero &lt;&amp;&gt;<") != 2 {
		t.Errorf("the picture lacks a class's name (%v)", err)
	}
	stdout, _, _ = lenet(t, "eval", "--model", run, "--device=cpu", "--json")
	var r metrics.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || !slices.Equal(r.ClassNames, names) || len(r.Confusion) != 20 {
		t.Errorf("names %q in JSON (%v)", r.ClassNames, err)
	}

	if _, stderr, code := lenet(t, "report", run, "--original", "--device=cpu"); code != 0 || stderr != "" {
		t.Fatalf("exit code %d, standard error %q", code, stderr)
	}
	text, err := os.ReadFile(filepath.Join(run, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	page, own := withoutScripts(text), filepath.Base(dir)
	for _, want := range []string{
		"<h2>" + own + ": 4 epochs", own + ": 1000 training and 200 test images of 28x28 pixels in 20 classes: white zero &lt;&amp;&gt;, white one",
		"<td>black nine &lt;&amp;&gt;</td>", "The most frequent confusions", ">true black ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, wrong := range []string{"MNIST", "mnist", "The original", "<&>"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page of own data has %q", wrong)
		}
	}
}

// A folder of pictures is named, and so its class is the one that the network knows by that name, whatever has happened to the folders beside it.
func TestAFolderOfPicturesKeepsItsClass(t *testing.T) {
	training, test := datasettest.MNIST(t)
	dir, run := picturesOf(t, training, test), filepath.Join(t.TempDir(), "run")
	if _, stderr, code := inProcess(t, "train", "--data", dir, "--recipe=fast", "--device=cpu", "--out", run); code != 0 {
		t.Fatal(stderr)
	}
	for _, split := range []string{"train", "test"} { // eight was the first class
		if err := os.RemoveAll(filepath.Join(dir, split, "eight")); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := inProcess(t, "eval", "--json", "--device=cpu", "--model", run)
	var r metrics.Result
	if code != 0 || json.Unmarshal([]byte(stdout), &r) != nil || r.Accuracy < 0.8 || r.Classes[0].Images != 0 {
		t.Errorf("without eights: accuracy %v, exit code %d, %s", r.Accuracy, code, stderr)
	}
	for _, split := range []string{"train", "test"} {
		if err := os.Rename(filepath.Join(dir, split, "zero"), filepath.Join(dir, split, "a nought")); err != nil {
			t.Fatal(err)
		}
	}
	if _, stderr, code := inProcess(t, "eval", "--device=cpu", "--model", run); code != exitFailure || !strings.Contains(stderr, `the set has a class "a nought"`) {
		t.Errorf("with a class that has another name: exit code %d, %s", code, stderr)
	}
}

// A network of classes without names takes those of --classes, with --data and without it.
func TestClassesAreNamedLater(t *testing.T) {
	run, file := learnt(t), filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(file, []byte(strings.Join(strings.Fields("zero one two three four five six seven eight nine"), "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--data", filepath.Join(shared, "data")}} {
		stdout, stderr, code := inProcess(t, append([]string{"eval", "--device=cpu", "--model", run, "--classes", file, "--out=."}, more...)...)
		if code != 0 || !slices.Contains(strings.Fields(stdout), "seven") {
			t.Errorf("%q: exit code %d, %s%s", more, code, stderr, stdout)
		}
	}
}
