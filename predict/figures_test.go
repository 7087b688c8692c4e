package predict

import (
	"slices"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/figure"
	"lenet/metrics"
)

// Figures name the classes, and mistakes those that were confused.
func TestFiguresNameClasses(t *testing.T) {
	set := &dataset.Set{Rows: 2, Cols: 3, Classes: 3, Names: []string{"Sneaker", "Sandal", "Ankle boot"}, Images: make([]uint8, 18), Labels: []uint8{0, 1, 2}}
	r, err := metrics.Of([][]float64{{0.1, 0.9, 0}, {0, 1, 0}, {0, 0, 1}}, set.Labels, set.Names)
	if err != nil {
		t.Fatal(err)
	}
	grid := Grid(set, []Prediction{{0, 0, Class{Predicted: 1, Probabilities: []float64{0.1, 0.9, 0}}}})
	for name, c := range map[string]struct {
		f    figure.Figure
		want []string
	}{
		"the matrix":    {Confusion(r), []string{"Sneaker", "Sandal", "Ankle boot", "Confusion matrix, 3 test images, 1 wrong"}},
		"the mistakes":  {Mistakes(r, set), []string{"true Sneaker", "wrong: Sandal", "90.0 %"}},
		"the test grid": {grid, []string{"true Sneaker", "wrong: Sandal", "90.0 %", "1 test images, 1 wrong"}},
	} {
		svg, err := figure.SVG(c.f)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(svg, ">"+want+"<") && !strings.Contains(svg, want+", ") {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
}

// Weights of another program or an old version do not say the classes' names; the data set does.
func TestTheDataSetNamesTheClassesOfANetworkThatDoesNot(t *testing.T) {
	names := []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
	o := Defaults()
	o.Model, o.Device, o.Threads = string(saved(t)), "cpu", 1
	net, err := Open(t.Context(), o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	images := &dataset.Set{Rows: 28, Cols: 28, Classes: 10, Names: names, Images: make([]uint8, 10*28*28), Labels: []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
	net.data = &dataset.Data{Name: "Clothes", Train: images, Test: images}
	test, err := net.Test(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	r, err := net.Evaluate(t.Context(), test)
	if err != nil || !slices.Equal(r.ClassNames, names) {
		t.Errorf("names %q, error %v", r.ClassNames, err)
	}
}
