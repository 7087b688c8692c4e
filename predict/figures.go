package predict

import (
	"fmt"

	"lenet/dataset"
	"lenet/figure"
	"lenet/metrics"
)

// Confusion returns the picture of a confusion matrix.
func Confusion(r *metrics.Result) *figure.Matrix {
	return &figure.Matrix{
		Title:   fmt.Sprintf("Confusion matrix, %d test images, %d wrong", r.Images, len(r.Mistakes)),
		Classes: r.ClassNames, Counts: r.Confusion,
	}
}

// maxMistakes fills four rows of the picture of mistakes.
const maxMistakes = 24

// Mistakes returns the picture of the mistakes that the network was surest of, 24 at most.
func Mistakes(r *metrics.Result, set *dataset.Set) *figure.Digits {
	n := min(maxMistakes, len(r.Mistakes))
	g := &figure.Digits{Title: fmt.Sprintf("The %d surest of %d mistakes", n, len(r.Mistakes)), Classes: r.ClassNames, Columns: 6}
	for _, m := range r.Mistakes[:n] {
		g.Digits = append(g.Digits, digit(set, m.Index, m.Predicted, m.Probability))
	}
	return g
}

func digit(set *dataset.Set, i, predicted int, probability float64) figure.Digit {
	return figure.Digit{
		Rows: set.Rows, Cols: set.Cols, Pixels: set.Images[i*set.Rows*set.Cols:][:set.Rows*set.Cols],
		True: int(set.Labels[i]), Predicted: predicted, Probability: probability,
	}
}

// columns of the grid of predictions, as in the report.
const columns = 3

// Grid returns the picture of predictions of images of a set, three in a row.
func Grid(set *dataset.Set, predictions []Prediction) *figure.Digits {
	g, wrong := &figure.Digits{Classes: set.Names, Columns: columns}, 0
	for _, d := range predictions {
		g.Digits = append(g.Digits, digit(set, d.Index, d.Predicted, d.Probability()))
		if d.True != d.Predicted {
			wrong++
		}
	}
	g.Title = fmt.Sprintf("%d test images, %d wrong", len(predictions), wrong)
	return g
}
