// Package metrics measures how good a classifier's probabilities are.
package metrics

import (
	"cmp"
	"math"
	"slices"
)

// Result are the measures of a set of images.
type Result struct {
	Images    int       `json:"images"`
	Loss      float64   `json:"loss"`      // cross-entropy, the mean over images
	Accuracy  float64   `json:"accuracy"`  // 0 to 1
	Confusion [][]int   `json:"confusion"` // [true class][predicted class] images
	Classes   []Class   `json:"classes"`
	ECE       float64   `json:"expected_calibration_error"`
	Mistakes  []Mistake `json:"mistakes"` // the surest first
}

// Class are the measures of one class against the rest, each 0 to 1; 0 where there is nothing to divide by.
type Class struct {
	Images    int     `json:"images"`
	Precision float64 `json:"precision"` // of those taken for the class, how many are of it
	Recall    float64 `json:"recall"`    // of those of the class, how many are taken for it
	F1        float64 `json:"f1"`        // the harmonic mean of both
}

// Mistake is an image that was taken for another class.
type Mistake struct {
	Index       int     `json:"index"` // in the set
	True        int     `json:"true"`
	Predicted   int     `json:"predicted"`
	Probability float64 `json:"probability"` // of Predicted
}

// calibrationBins is how many equal ranges of probability the calibration error sums over, as is usual (Guo et al. 2017).
const calibrationBins = 15

// Of measures probabilities, [images][classes], each 0 to 1, against labels. A NaN counts as 0.
func Of(probabilities [][]float64, labels []uint8, classes int) *Result {
	r := &Result{Images: len(labels), Confusion: make([][]int, classes), Classes: make([]Class, classes), Mistakes: []Mistake{}}
	for i := range r.Confusion {
		r.Confusion[i] = make([]int, classes)
	}
	var bins [calibrationBins]struct {
		n                 int
		confidence, right float64
	}
	right := 0
	for i, p := range probabilities {
		label, predicted := int(labels[i]), Largest(p)
		confidence := max(0, zeroIfNaN(p[predicted]))
		r.Loss -= math.Log(max(zeroIfNaN(p[label]), math.SmallestNonzeroFloat64))
		r.Confusion[label][predicted]++
		b := &bins[min(int(confidence*calibrationBins), calibrationBins-1)]
		b.n++
		b.confidence += confidence
		if label == predicted {
			right++
			b.right++
		} else {
			r.Mistakes = append(r.Mistakes, Mistake{i, label, predicted, confidence})
		}
	}
	n := math.Max(1, float64(r.Images))
	r.Loss, r.Accuracy = r.Loss/n, float64(right)/n
	for _, b := range bins {
		r.ECE += math.Abs(b.confidence-b.right) / n
	}
	for c := range r.Classes {
		of, taken := 0, 0
		for k := range classes {
			of += r.Confusion[c][k]
			taken += r.Confusion[k][c]
		}
		hit := float64(r.Confusion[c][c])
		share := func(of int) float64 { return hit / math.Max(1, float64(of)) }
		class := Class{Images: of, Precision: share(taken), Recall: share(of)}
		if hit > 0 {
			class.F1 = 2 * hit / float64(of+taken)
		}
		r.Classes[c] = class
	}
	slices.SortStableFunc(r.Mistakes, func(a, b Mistake) int { return cmp.Compare(b.Probability, a.Probability) })
	return r
}

func zeroIfNaN(p float64) float64 {
	if math.IsNaN(p) {
		return 0
	}
	return p
}

// Largest returns the index of the largest value, the first of equals. A NaN is never the largest, unless it is the first.
func Largest(values []float64) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
