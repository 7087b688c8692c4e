package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"

	"lenet/figure"
	"lenet/metrics"
)

// usualWidth is how many columns a file or a pipe is taken to have.
const usualWidth = 80

func terminalWidth() int {
	if width, ok := columnsOf(os.Stdout); ok {
		return width
	}
	return usualWidth
}

const (
	longestName    = 24 // columns of text
	narrowestCount = 5  // columns of text, with the gap before a count
	maxConfusions  = 20 // pairs of classes that stand for a confusion matrix that has no room
)

// measures returns a result as text: the measures of each class, and the confusion matrix if its lines fit a width, or else the most frequent confusions.
func measures(r *metrics.Result, width int) string {
	names := make([]string, len(r.ClassNames))
	for i, name := range r.ClassNames {
		names[i] = figure.Shorten(name, func(name string) bool { return uniseg.StringWidth(name) <= longestName })
	}
	var b strings.Builder
	fmt.Fprintf(&b, "loss %.4f, test acc %.3f, calibration error %.4f\n\n", r.Loss, r.Accuracy, r.ECE)
	lines := [][]string{{"class", "images", "precision", "recall", "F1"}}
	for i, c := range r.Classes {
		lines = append(lines, []string{names[i], strconv.Itoa(c.Images), c.Precision.String(), c.Recall.String(), c.F1.String()})
	}
	b.WriteString(aligned(lines, 0, 2) + "\n")
	if matrix := confusionMatrix(r, names); uniseg.StringWidth(matrix[:strings.Index(matrix, "\n")]) <= width {
		return b.String() + "rows: true class; columns: predicted class\n" + matrix
	}
	confusions := r.Confusions(maxConfusions)
	if len(confusions) == 0 {
		return b.String() + "no image is taken for another class\n"
	}
	lines = [][]string{{"true →", "predicted", "images", "of the true class"}}
	widest := 0
	for _, c := range confusions {
		widest = max(widest, uniseg.StringWidth(names[c.Predicted]))
		lines = append(lines, []string{names[c.True] + " →", names[c.Predicted], strconv.Itoa(c.Images), fmt.Sprintf("%.1f %%", 100*c.Share)})
	}
	for _, line := range lines { // names of predicted classes are aligned at the left
		line[1] = padded(line[1], widest)
	}
	return b.String() + "the most frequent confusions; the whole matrix is in the picture confusion\n" + aligned(lines, 0, 1)
}

func confusionMatrix(r *metrics.Result, names []string) string {
	lines := [][]string{append([]string{""}, names...)}
	for i, row := range r.Confusion {
		line := []string{names[i]}
		for _, n := range row {
			line = append(line, strconv.Itoa(n))
		}
		lines = append(lines, line)
	}
	return aligned(lines, narrowestCount, 1)
}

// padded returns a text with so many spaces after it that it is at least so wide.
func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
}

// aligned returns lines of cells in columns that are aligned at the right and have at least a width, which includes a gap.
func aligned(lines [][]string, narrowest, gap int) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], narrowest, uniseg.StringWidth(cell)+gap)
		}
	}
	var b strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			b.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)) + cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
