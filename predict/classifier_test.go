package predict

import (
	"context"
	"errors"
	"image"
	"path/filepath"
	"sync"
	"testing"

	"lenet/compute"
	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/picture"
	"lenet/runs"
)

// saved returns a run folder that holds nothing but the weights of a network, as if they came from elsewhere.
func saved(t *testing.T) runs.Dir {
	t.Helper()
	return savedAs(t, model.Report())
}

func savedAs(t *testing.T, spec model.Spec) runs.Dir {
	t.Helper()
	dir := runs.Dir(t.TempDir())
	net, err := model.New(spec, model.Options{Kernels: compute.Fused, Device: "cpu", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.Save(dir.Weights()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Many goroutines ask at once, and each gets what the network says of its own picture.
func TestAClassifierServesGoroutinesAtOnce(t *testing.T) {
	o := Defaults()
	o.Model, o.Device, o.Threads = string(saved(t)), "cpu", 1
	net, err := Open(t.Context(), o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	_, test := datasettest.MNIST(t)
	const n = 20
	pictures, want := make([]image.Image, n), make([]float64, n)
	for i := range n {
		pictures[i] = image.NewGray(image.Rect(0, 0, 28, 28))
		copy(pictures[i].(*image.Gray).Pix, test.Images[i*28*28:][:28*28])
		pixels, err := picture.Prepare(pictures[i], picture.MNIST(28, 28))
		if err != nil {
			t.Fatal(err)
		}
		p, err := net.Probabilities(t.Context(), pixels)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = p[0][3]
	}
	net.Close()

	c, err := NewClassifier(t.Context(), o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			class, err := c.Classify(context.Background(), pictures[i])
			if err != nil || class.Probabilities[3] != want[i] || class.Probability() < 0.1 {
				t.Errorf("picture %d: %+v (%v), want %v for a three", i, class, err, want[i])
			}
		})
	}
	group.Wait()
	for _, none := range []image.Image{nil, image.NewGray(image.Rectangle{}), image.NewGray(image.Rect(0, 0, 9, 9))} {
		if _, err := c.Classify(context.Background(), none); err == nil {
			t.Errorf("%v was classified", none)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Classify(ended, pictures[0]); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// EMNIST's balanced set has 47 classes.
func TestAClassifierHasAsManyClassesAsItsNetwork(t *testing.T) {
	spec := model.Report()
	spec.Classes = 47
	o := Defaults()
	o.Model, o.Device, o.Threads = string(savedAs(t, spec)), "cpu", 1
	c, err := NewClassifier(t.Context(), o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	bar := image.NewGray(image.Rect(0, 0, 40, 40))
	for y := 5; y < 35; y++ {
		bar.Pix[y*bar.Stride+20] = 255
	}
	class, err := c.Classify(t.Context(), bar)
	if err != nil || len(class.Probabilities) != 47 || class.Probability() < 1.0/47 || class.RunnerUp() == class.Predicted {
		t.Errorf("%+v, error %v", class, err)
	}
}

func TestAClassifierOfNothingIsAnError(t *testing.T) {
	o := Defaults()
	o.Model, o.Device = filepath.Join(t.TempDir(), "none"), "cpu"
	if c, err := NewClassifier(t.Context(), o, func(string) {}); err == nil || c != nil {
		t.Error("it was opened")
	}
}
