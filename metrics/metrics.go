// Package metrics measures how good a classifier's probabilities are.
package metrics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Result are the measures of a set of images.
type Result struct {
	Images     int       `json:"images"`
	Loss       float64   `json:"loss"`        // cross-entropy, the mean over images
	Accuracy   float64   `json:"accuracy"`    // 0 to 1
	ClassNames []string  `json:"class_names"` // in the order of the other lists
	Confusion  [][]int   `json:"confusion"`   // [true class][predicted class] images
	Classes    []Class   `json:"classes"`
	ECE        float64   `json:"expected_calibration_error"`
	Mistakes   []Mistake `json:"mistakes"` // the surest first
}

// Class are the measures of one class against the rest.
type Class struct {
	Images    int   `json:"images"`
	Precision Share `json:"precision"` // of those taken for the class, how many are of it
	Recall    Share `json:"recall"`    // of those of the class, how many are taken for it
	F1        Share `json:"f1"`        // the harmonic mean of both
}

// A Share is a ratio of two numbers of images, 0 to 1, or NaN where there are no images to divide by. JSON has null for NaN.
type Share float64

func share(part, whole int) Share { return Share(float64(part) / float64(whole)) }

// String returns a share with four decimals, or a dash if there is none.
func (s Share) String() string {
	if math.IsNaN(float64(s)) {
		return "–"
	}
	return fmt.Sprintf("%.4f", float64(s))
}

// MarshalJSON returns a number, or null.
func (s Share) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(s)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(s))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Share) UnmarshalJSON(text []byte) error {
	value := math.NaN()
	if err := json.Unmarshal(text, &value); err != nil { // null leaves NaN
		return err
	}
	*s = Share(value)
	return nil
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

// Of measures probabilities, [images][classes], against labels. names are those of the classes.
//
// Errors: a probability that is not a number from 0 to 1, as those of a network whose weights or outputs overflow; a label that is no class; images
// without a label.
func Of(probabilities [][]float64, labels []uint8, names []string) (*Result, error) {
	classes := len(names)
	if err := check(probabilities, labels, classes); err != nil {
		return nil, err
	}
	r := &Result{Images: len(labels), ClassNames: names, Confusion: make([][]int, classes), Classes: make([]Class, classes), Mistakes: []Mistake{}}
	for i := range r.Confusion {
		r.Confusion[i] = make([]int, classes)
	}
	var bins [calibrationBins]struct{ confidence, right float64 }
	right := 0
	for i, p := range probabilities {
		label, predicted := int(labels[i]), Largest(p)
		r.Loss -= math.Log(math.Max(p[label], math.SmallestNonzeroFloat64))
		r.Confusion[label][predicted]++
		b := &bins[min(int(p[predicted]*calibrationBins), calibrationBins-1)]
		b.confidence += p[predicted]
		if label == predicted {
			right++
			b.right++
		} else {
			r.Mistakes = append(r.Mistakes, Mistake{i, label, predicted, p[predicted]})
		}
	}
	n := math.Max(1, float64(r.Images))
	r.Loss, r.Accuracy = r.Loss/n, float64(right)/n
	for _, b := range bins {
		r.ECE += math.Abs(b.confidence-b.right) / n
	}
	for c := range r.Classes {
		hits, of, taken := r.Confusion[c][c], 0, 0
		for k := range classes {
			of += r.Confusion[c][k]
			taken += r.Confusion[k][c]
		}
		r.Classes[c] = Class{Images: of, Precision: share(hits, taken), Recall: share(hits, of), F1: share(2*hits, of+taken)}
	}
	slices.SortStableFunc(r.Mistakes, func(a, b Mistake) int { return cmp.Compare(b.Probability, a.Probability) })
	return r, nil
}

func check(probabilities [][]float64, labels []uint8, classes int) error {
	if len(probabilities) != len(labels) {
		return fmt.Errorf("metrics: %d images have %d labels", len(probabilities), len(labels))
	}
	for i, p := range probabilities {
		if len(p) != classes || int(labels[i]) >= classes {
			return fmt.Errorf("metrics: image %d has label %d and %d probabilities, of %d classes", i, labels[i], len(p), classes)
		}
		for c, v := range p {
			if !(v >= 0 && v <= 1+1e-6) {
				return fmt.Errorf("metrics: the network's probability of class %d for image %d is %v; its weights are damaged, or its training diverged", c, i, v)
			}
		}
	}
	return nil
}

// Largest returns the index of the largest value, the first of equals.
func Largest(values []float64) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
