package main

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lenet/predict"
)

// bars writes a picture of so many vertical bars.
func bars(t *testing.T, path string, count int) {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 100*count, 100))
	for i := range count {
		for y := 15; y < 85; y++ {
			for x := range 10 {
				picture.Pix[y*picture.Stride+100*i+45+x] = 255
			}
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}

// A bad file doesn't spoil the others: each has its line or its error, and the exit code says that there was one.
func TestPredictReadsFoldersAndGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	run, dir := learnt(t), t.TempDir()
	for name, count := range map[string]int{"a.png": 1, "c.PNG": 1, "d.png": 2} {
		bars(t, filepath.Join(dir, name), count)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.jpg"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("not looked at"), 0o666); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := lenet(t, "predict", "--model", run, "--device=cpu", dir)
	if code != 1 || strings.Count(stdout, "\n") != 2 || !strings.Contains(stdout, "c.PNG: ") {
		t.Errorf("exit code %d, output %q", code, stdout)
	}
	for _, want := range []string{"b.jpg: it is not a PNG", "d.png: it shows 2 digits, not one; give --split to read each", "2 of 4 pictures could not be read"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error %q lacks %q", stderr, want)
		}
	}
	stdout, _, code = lenet(t, "predict", "--model", run, "--device=cpu", "--json", dir)
	var pictures []predict.Picture
	if err := json.Unmarshal([]byte(stdout), &pictures); err != nil || code != 1 || len(pictures) != 4 {
		t.Fatalf("exit code %d, error %v: %s", code, err, stdout)
	}
	if pictures[0].Class == nil || pictures[0].Name == "" || pictures[1].Error == "" || pictures[1].Class != nil {
		t.Errorf("%+v", pictures)
	}
	stdout, stderr, code = lenet(t, "predict", "--model", run, "--device=cpu", "--split", filepath.Join(dir, "d.png"))
	if code != 0 || strings.Count(stdout, "%") < 2 || !strings.Contains(stdout, "; ") {
		t.Errorf("exit code %d, standard error %q, output %q", code, stderr, stdout)
	}
	if _, stderr, code := lenet(t, "predict", "--model", run, "--device=cpu", t.TempDir()); code != 1 || !strings.Contains(stderr, "there are no pictures in the folder") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
}

// The test images are printed wherever the picture of them can be written.
func TestPredictPrintsWhereItCannotWrite(t *testing.T) {
	t.Parallel()
	run := learnt(t)
	if err := os.MkdirAll(filepath.Join(run, "predictions.png", "full"), 0o777); err != nil { // no file can take its place
		t.Fatal(err)
	}
	stdout, stderr, code := lenet(t, "predict", "--model", run, "--device=cpu")
	if code != 0 || !strings.Contains(stdout, "predicted labels:") || !strings.Contains(stderr, "--out") {
		t.Errorf("exit code %d, standard error %q, output %q", code, stderr, stdout)
	}
}

// A picture may come through a pipe.
func TestPredictReadsStandardInput(t *testing.T) {
	t.Parallel()
	run, file := learnt(t), filepath.Join(t.TempDir(), "one.png")
	bars(t, file, 1)
	for _, name := range []string{"-", "/dev/stdin"} {
		input, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer input.Close()
		cmd := command(t, "predict", "--model", run, "--device=cpu", name)
		cmd.Stdin = input
		if stdout, stderr, code := outcome(t, cmd); code != 0 || !strings.HasPrefix(stdout, name+": ") {
			t.Errorf("exit code %d, standard error %q, output %q", code, stderr, stdout)
		}
	}
}
