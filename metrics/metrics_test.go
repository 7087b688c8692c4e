package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
)

// Six images of three classes, by hand: images 2 and 4 are taken for the wrong class.
func TestMeasuresOfSixImages(t *testing.T) {
	probabilities := [][]float64{
		{0.9, 0.05, 0.05}, {0.8, 0.1, 0.1}, {0.3, 0.6, 0.1}, // of class 0
		{0.2, 0.7, 0.1}, {0.1, 0.15, 0.75}, // of class 1
		{0.1, 0.1, 0.8}, // of class 2
	}
	r := measured(t, probabilities, []uint8{0, 0, 0, 1, 1, 2}, 3)
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
		near("precision", float64(r.Classes[c].Precision), float64(want.Precision))
		near("recall", float64(r.Classes[c].Recall), float64(want.Recall))
		near("F1", float64(r.Classes[c].F1), float64(want.F1))
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

// A share of no images is unknown, and not 0. Class 1 is absent, and class 2 is never predicted.
func TestAClassWithoutImagesOrPredictions(t *testing.T) {
	r := measured(t, [][]float64{{1, 0, 0}, {0.5, 0.25, 0.25}}, []uint8{0, 2}, 3)
	for i, want := range []string{"{1 0.5000 1.0000 0.6667}", "{0 – – –}", "{1 – 0.0000 0.0000}"} {
		if got := fmt.Sprint(r.Classes[i]); got != want {
			t.Errorf("class %d has %s, want %s", i, got, want)
		}
	}
	text, err := json.Marshal(r.Classes[1])
	if want := `{"images":0,"precision":null,"recall":null,"f1":null}`; err != nil || string(text) != want {
		t.Errorf("JSON %s (%v), want %s", text, err, want)
	}
	var read Class
	if err := json.Unmarshal(text, &read); err != nil || read.Recall.String() != "–" {
		t.Errorf("it was read as %v (%v)", read, err)
	}
	if r := measured(t, [][]float64{{1, 0}}, []uint8{1}, 2); math.IsInf(r.Loss, 0) || r.Loss < 700 {
		t.Errorf("a probability of 0 has the loss %v", r.Loss)
	}
}

func TestWhatIsNoProbabilityIsAnError(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		probabilities [][]float64
		labels        []uint8
	}{
		"the first is NaN":  {[][]float64{{nan, 0.5}}, []uint8{0}},
		"the last is NaN":   {[][]float64{{0.5, 0.5}, {0.5, nan}}, []uint8{0, 0}},
		"all are NaN":       {[][]float64{{nan, nan}}, []uint8{1}},
		"infinite":          {[][]float64{{0, math.Inf(1)}}, []uint8{1}},
		"negative":          {[][]float64{{1, -1}}, []uint8{1}},
		"a label too large": {[][]float64{{1, 0}}, []uint8{2}},
		"a class too few":   {[][]float64{{1}}, []uint8{0}},
		"a class too many":  {[][]float64{{1, 0, 0}}, []uint8{0}},
		"a label too few":   {[][]float64{{1, 0}, {1, 0}}, []uint8{0}},
		"no images":         {nil, []uint8{0}},
	} {
		if r, err := Of(c.probabilities, c.labels, []string{"a", "b"}); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Each image of class c, of 256, is taken for the next class.
func TestAsManyClassesAsLabelsHave(t *testing.T) {
	var probabilities [][]float64
	var labels []uint8
	for c := range 256 {
		p := make([]float64, 256)
		p[(c+1)%256] = 1
		probabilities, labels = append(probabilities, p), append(labels, uint8(c))
	}
	r := measured(t, probabilities, labels, 256)
	if r.Accuracy != 0 || len(r.Mistakes) != 256 || r.Confusion[255][0] != 1 || len(r.Confusions(300)) != 256 {
		t.Errorf("accuracy %v, %d mistakes", r.Accuracy, len(r.Mistakes))
	}
}

// Class 0 has 10 images, class 1 has 4, class 2 has 3.
func TestTheMostFrequentConfusionsComeFirst(t *testing.T) {
	var probabilities [][]float64
	var labels []uint8
	for i, row := range [][]int{{7, 2, 1}, {0, 2, 2}, {3, 0, 0}} {
		for j, n := range row {
			for range n {
				p := make([]float64, 3)
				p[j] = 1
				probabilities, labels = append(probabilities, p), append(labels, uint8(i))
			}
		}
	}
	r := measured(t, probabilities, labels, 3)
	want := []Confusion{{2, 0, 3, 1}, {1, 2, 2, 0.5}, {0, 1, 2, 0.2}, {0, 2, 1, 0.1}}
	if got := r.Confusions(9); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := r.Confusions(1); !slices.Equal(got, want[:1]) {
		t.Errorf("the first is %v", got)
	}
}

// measured returns the measures of classes whose names are letters of any kind.
func measured(t *testing.T, probabilities [][]float64, labels []uint8, classes int) *Result {
	t.Helper()
	names := make([]string, classes)
	for i := range names {
		names[i] = string(rune('a' + i))
	}
	r, err := Of(probabilities, labels, names)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.ClassNames, names) {
		t.Errorf("names %q", r.ClassNames)
	}
	return r
}
