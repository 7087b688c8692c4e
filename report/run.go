package report

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"lenet/figure"
	"lenet/metrics"
	"lenet/predict"
	"lenet/train"
)

// How many predictions a page shows, and the seed that they are drawn with.
const (
	predictions = 9
	drawSeed    = 1
)

// runSection returns the section of a run: the data, curves by epoch, predictions, confusion, mistakes.
func runSection(ctx context.Context, folder string, o Options, log func(string)) (*section, error) {
	net, err := predict.Open(ctx, predict.Options{Model: folder, Resources: o.Resources}, log)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	dir := net.Dir
	config, err := train.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	epochs, cut, err := dir.Epochs()
	if err != nil {
		return nil, err
	}
	if cut != nil {
		log(cut.String())
	}
	test, err := net.Test(ctx, log)
	if err != nil {
		return nil, err
	}
	result, err := net.Evaluate(ctx, test)
	if err != nil {
		return nil, err
	}
	draws, err := net.Draw(ctx, test, predictions, drawSeed)
	if err != nil {
		return nil, err
	}
	data, err := net.DataSet(ctx, log)
	if err != nil {
		return nil, err
	}

	s := &section{dir: dir, Title: fmt.Sprintf("%s: %s, learning rate %v, batch size %d", config.Source.Title(), counted(len(epochs), "epoch"), config.LearningRate, config.BatchSize)}
	s.Texts = append([]string{dataText(data, result.ClassNames)}, runTexts(config, epochs, result)...)
	original := o.Original && isOriginalRun(config.Options)
	if original {
		s.Texts = append(s.Texts, originalRunText)
	}
	if s.Plots, err = drawn(curves(epochs, original)...); err != nil {
		return nil, err
	}
	if s.Pictures, err = pictures(predict.Grid(test, draws), result, test); err != nil {
		return nil, err
	}
	s.Details = []table{classTable(result)}
	if len(epochs) > 0 {
		s.Details = append([]table{epochTable(epochs, original)}, s.Details...)
	}
	return s, s.describe(config)
}

func runTexts(config *train.Config, epochs []metrics.Epoch, r *metrics.Result) []string {
	text := fmt.Sprintf("Test accuracy %.4f, loss %.4f, expected calibration error %.4f", r.Accuracy, r.Loss, r.ECE)
	if len(epochs) == 0 {
		return []string{text + ". No epoch was measured: the run was stopped in its first one, or its metrics.jsonl is lost."}
	}
	seconds := 0.0
	for i := range epochs {
		seconds += epochs[i].Seconds()
	}
	return []string{fmt.Sprintf("%s, after %s in %.1f s: %.2f s per epoch with testing, on %s with %s (%s).",
		text, counted(len(epochs), "epoch"), seconds, seconds/float64(len(epochs)), config.Device, counted(config.Threads, "thread"), config.Versions.CPUCapability)}
}

// curves returns a plot by epoch of each measure that is plotted, with a line for each split that has it.
func curves(epochs []metrics.Epoch, original bool) []*figure.Lines {
	var all []*figure.Lines
	for _, m := range metrics.Measures {
		l := &figure.Lines{Title: m.Heading, XLabel: "epoch", YLabel: m.Unit, FromZero: m.Zero}
		for _, split := range m.Plot {
			series := figure.Series{Name: split.Title()}
			for i := range epochs {
				if value, ok := epochs[i].Get(split, m.Name); ok {
					series.X, series.Y = append(series.X, float64(epochs[i].Number)), append(series.Y, value)
				}
			}
			if series.X != nil {
				l.Series = append(l.Series, series)
			}
		}
		if original && m.Name == metrics.Accuracy {
			l.Series = append(l.Series, originalCurve(epochs))
		}
		if l.Series == nil {
			continue
		}
		if !m.Zero {
			l.Fit()
		}
		all = append(all, l)
	}
	return all
}

// originalCurve returns the original's test accuracy at those of its epochs that the run has, too.
func originalCurve(epochs []metrics.Epoch) figure.Series {
	s := figure.Series{Name: "test, the original", Dashed: true}
	for i := range epochs {
		if a, ok := originalRunAccuracies[epochs[i].Number]; ok {
			s.X, s.Y = append(s.X, float64(epochs[i].Number)), append(s.Y, a)
		}
	}
	return s
}

// epochTable has a row for each epoch, and a column for each value that is shown.
func epochTable(epochs []metrics.Epoch, original bool) table {
	t := table{Title: "Every epoch", Head: []string{"epoch"}, Best: -1}
	columns := valuesOf(epochs)
	for _, c := range columns {
		t.Head = append(t.Head, c.Measure.Column(c.split))
	}
	if original {
		t.Head = append(t.Head, "test accuracy, original")
	}
	for i := range epochs {
		row := []string{strconv.Itoa(epochs[i].Number)}
		for _, c := range columns {
			text := "–"
			if value, ok := epochs[i].Get(c.split, c.Name); ok {
				text = fmt.Sprintf(c.Format, value)
			}
			row = append(row, text)
		}
		if original {
			a, ok := originalRunAccuracies[epochs[i].Number]
			row = append(row, accuracy(a, ok))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// A column is a measure of a split.
type column struct {
	metrics.Measure
	split metrics.Split
}

// valuesOf returns the measures that any of the epochs has and that are shown, in the order in which they are.
func valuesOf(epochs []metrics.Epoch) (all []column) {
	for _, m := range metrics.Measures {
		for _, split := range append(slices.Clone(metrics.Splits), metrics.Eval) {
			has := func(e metrics.Epoch) bool { _, ok := e.Get(split, m.Name); return ok }
			if slices.ContainsFunc(epochs, has) {
				all = append(all, column{m, split})
			}
		}
	}
	return all
}
