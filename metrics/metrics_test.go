package metrics

import (
	"math"
	"testing"
)

// Six images of three classes, by hand: images 2 and 4 are taken for the wrong class.
func TestMeasuresOfSixImages(t *testing.T) {
	probabilities := [][]float64{
		{0.9, 0.05, 0.05}, {0.8, 0.1, 0.1}, {0.3, 0.6, 0.1}, // of class 0
		{0.2, 0.7, 0.1}, {0.1, 0.15, 0.75}, // of class 1
		{0.1, 0.1, 0.8}, // of class 2
	}
	r := Of(probabilities, []uint8{0, 0, 0, 1, 1, 2}, 3)
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	near("accuracy", r.Accuracy, 4.0/6)
	near("loss", r.Loss, -(math.Log(0.9)+math.Log(0.8)+math.Log(0.3)+math.Log(0.7)+math.Log(0.15)+math.Log(0.8))/6)
	for i, row := range [][]int{{2, 1, 0}, {0, 1, 1}, {0, 0, 1}} {
		for j, want := range row {
			if r.Confusion[i][j] != want {
				t.Errorf("%d images of class %d are taken for %d, want %d", r.Confusion[i][j], i, j, want)
			}
		}
	}
	for c, want := range []Class{{3, 1, 2.0 / 3, 0.8}, {2, 0.5, 0.5, 0.5}, {1, 0.5, 1, 2.0 / 3}} {
		near("precision", r.Classes[c].Precision, want.Precision)
		near("recall", r.Classes[c].Recall, want.Recall)
		near("F1", r.Classes[c].F1, want.F1)
		if r.Classes[c].Images != want.Images {
			t.Errorf("class %d has %d images", c, r.Classes[c].Images)
		}
	}
	// Of 15 ranges, 0.6 is alone in the tenth, 0.7 in the eleventh, 0.75 in the twelfth, twice 0.8 in the thirteenth, 0.9 in the fourteenth.
	near("expected calibration error", r.ECE, (0.6+0.3+0.75+2*0.2+0.1)/6)
	if len(r.Mistakes) != 2 || r.Mistakes[0] != (Mistake{4, 1, 2, 0.75}) || r.Mistakes[1] != (Mistake{2, 0, 1, 0.6}) {
		t.Errorf("mistakes %+v", r.Mistakes)
	}
}

func TestAClassWithoutImagesOrPredictions(t *testing.T) {
	r := Of([][]float64{{1, 0}}, []uint8{0}, 2)
	if r.Classes[1] != (Class{}) || r.ECE != 0 || r.Loss != 0 || len(r.Mistakes) != 0 {
		t.Errorf("%+v", r)
	}
	if r := Of([][]float64{{1, 0}}, []uint8{1}, 2); math.IsInf(r.Loss, 0) || r.Loss < 700 {
		t.Errorf("a probability of 0 has the loss %v", r.Loss)
	}
}

// A network whose weights are too large has them.
func TestProbabilitiesThatAreNaNAreNoPanic(t *testing.T) {
	nan := math.NaN()
	r := Of([][]float64{{nan, nan}, {nan, 0.5}, {0.25, nan}, {0, 1}}, []uint8{0, 1, 1, 1}, 2)
	if !(r.Loss > 0) || math.IsInf(r.Loss, 0) || math.IsNaN(r.ECE) || r.Images != 4 || len(r.Mistakes) != 2 {
		t.Errorf("%+v", r)
	}
}
