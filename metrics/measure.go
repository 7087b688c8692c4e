package metrics

import "slices"

// A Split is a part of the data, as metrics.jsonl names it.
type Split string

// The splits, in the order in which they are shown. Eval is all that is evaluated after an epoch's training: validation and test.
const (
	Train      Split = "train"
	Validation Split = "val"
	Test       Split = "test"
	Eval       Split = "eval"
)

// Splits are the splits of the images, in the order in which they are shown.
var Splits = []Split{Train, Validation, Test}

// Title returns a split's name in figures and tables.
func (s Split) Title() string {
	switch s {
	case Train:
		return "training"
	case Validation:
		return "validation"
	case Eval:
		return "testing"
	}
	return string(s)
}

// A Name is what is measured, as metrics.jsonl names it.
type Name string

const (
	Loss            Name = "loss"              // cross-entropy, the mean over images, in nats
	Accuracy        Name = "acc"               // share of the images, 0 to 1
	Seconds         Name = "seconds"           // wall-clock time
	ImagesPerSecond Name = "images_per_second" // of training
)

// A Measure says how a measure is shown: on the terminal's line of an epoch, in TensorBoard, and in the report page's plots and tables. A
// new one needs a row in [Measures] and a place where it is measured.
type Measure struct {
	Name       Name
	Title      string  // before the split in TensorBoard's tags, behind it in tables
	Heading    string  // of its plot
	Unit       string  // of plots' axes
	Format     string  // of its values in tables
	LineFormat string  // of its values on the line
	Line       []Split // the splits that an epoch's line on the terminal shows
	Plot       []Split // the splits that the report page plots
	Zero       bool    // plots begin at 0
}

// Measures are all measures, in the order in which they are shown.
var Measures = []Measure{
	{Name: Accuracy, Title: "accuracy", Heading: "Accuracy by epoch", Unit: "accuracy (share of images)", Format: "%.4f", LineFormat: "%.3f", Line: Splits, Plot: []Split{Train, Test, Validation}},
	{Name: Loss, Title: "loss", Heading: "Loss by epoch", Unit: "cross-entropy (nats an image)", Format: "%.4f", LineFormat: "%.4f", Line: []Split{Train}, Plot: []Split{Train, Test, Validation}, Zero: true},
	{Name: Seconds, Title: "seconds", Heading: "Training time by epoch", Unit: "time (s)", Format: "%.2f", Plot: []Split{Train}, Zero: true},
}

// Column returns the heading of a split's column in a table.
func (m Measure) Column(s Split) string { return s.Title() + " " + m.Title }

// Tag returns the name under which TensorBoard shows the measure of a split.
func (m Measure) Tag(s Split) string {
	switch s {
	case Train:
		return m.Title + "/train"
	case Validation:
		return m.Title + "/validation"
	}
	return m.Title + "/test"
}

// MeasureOf returns how a name is shown; false if it is not.
func MeasureOf(name Name) (Measure, bool) {
	i := slices.IndexFunc(Measures, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		return Measure{}, false
	}
	return Measures[i], true
}
