package report

import (
	"fmt"
	"strconv"
	"strings"

	"lenet/dataset"
	"lenet/figure"
	"lenet/metrics"
	"lenet/predict"
)

// maxNames is how many bytes of class names a sentence lists.
const maxNames = 200

// dataText describes the data and its classes.
func dataText(d *dataset.Data, classes []string) string {
	text := fmt.Sprintf("%s: %d training and %d test images of %dx%d pixels in %d classes", d.Name, d.Train.Len(), d.Test.Len(), d.Test.Rows, d.Test.Cols, len(classes))
	if dataset.Numbered(classes) {
		return fmt.Sprintf("%s, %s to %s.", text, classes[0], classes[len(classes)-1])
	}
	length, shown := 0, 0
	for ; shown < len(classes) && length <= maxNames; shown++ {
		length += len(classes[shown]) + len(", ")
	}
	text += ": " + strings.Join(classes[:shown], ", ")
	if rest := len(classes) - shown; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text + "."
}

// halfPage is the width in pixels from which on a picture takes all of the page's.
const halfPage = 640

// pictures returns the predictions, the confusion matrix and the mistakes. Where the matrix is large, the most frequent confusions stand before it.
func pictures(predictions figure.Figure, r *metrics.Result, test *dataset.Set) ([]picture, error) {
	figures := []figure.Figure{predictions, predict.Confusion(r)}
	if len(r.Mistakes) > 0 {
		figures = append(figures, predict.Mistakes(r, test))
	}
	drawn, err := drawn(figures...)
	if err != nil {
		return nil, err
	}
	var all []picture
	for i, f := range figures {
		p := picture{SVG: drawn[i]}
		if w := figure.Width(f); w > halfPage {
			p.Width = w
		}
		if t := confusionTable(r); i == 1 && p.Width > 0 && len(t.Rows) > 0 {
			all = append(all, picture{Table: &t})
		}
		all = append(all, p)
	}
	return all, nil
}

// maxConfusions is how many pairs of classes the table of confusions has.
const maxConfusions = 12

func confusionTable(r *metrics.Result) table {
	t := table{Title: "The most frequent confusions", Head: []string{"true", "predicted", "images", "of the true class"}, Best: -1}
	for _, c := range r.Confusions(maxConfusions) {
		t.Rows = append(t.Rows, []string{r.ClassNames[c.True], r.ClassNames[c.Predicted], strconv.Itoa(c.Images), fmt.Sprintf("%.1f %%", 100*c.Share)})
	}
	return t
}

func classTable(r *metrics.Result) table {
	t := table{Title: "Precision, recall and F1 by class", Head: []string{"class", "images", "precision", "recall", "F1"}, Best: -1}
	for i, c := range r.Classes {
		t.Rows = append(t.Rows, []string{r.ClassNames[i], strconv.Itoa(c.Images), c.Precision.String(), c.Recall.String(), c.F1.String()})
	}
	return t
}
