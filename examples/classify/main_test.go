package main

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lenet/compute"
	"lenet/model"
	"lenet/runs"
)

// The example runs on a run folder and a picture.
func TestClassify(t *testing.T) {
	dir := runs.Dir(t.TempDir())
	net, err := model.New(model.Report(), model.Options{Kernels: compute.Fused, Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.Save(dir.Weights()); err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, 40, 40))
	for y := 5; y < 35; y++ {
		picture.Pix[y*picture.Stride+20] = 255
	}
	path := filepath.Join(string(dir), "one.png")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if err := classify(string(dir), path); err != nil {
		t.Error(err)
	}
	if err := classify(string(dir), filepath.Join(string(dir), "none.png")); err == nil || !strings.Contains(err.Error(), "none.png") {
		t.Errorf("without a picture: %v", err)
	}
}
