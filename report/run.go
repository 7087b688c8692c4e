package report

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lenet/figure"
	"lenet/metrics"
	"lenet/predict"
	"lenet/runs"
	"lenet/train"
)

// runSection returns the section of a run: the data, curves by epoch, predictions, confusion, mistakes. Without its data it has what the run itself
// wrote down, and says so. With canvas it has one to draw on, where the network is small enough.
func runSection(ctx context.Context, folder string, o Options, canvas bool, log func(string)) (*section, error) {
	net, err := predict.Open(ctx, predict.Options{Model: folder, Resources: o.Resources}, log)
	var m *measured
	if err == nil {
		defer net.Close()
		m, err = measure(ctx, net, log)
	}
	missing := lostData(err)
	if err != nil && missing == nil {
		return nil, err
	}
	_, dir, err := runs.FindWeights(folder)
	if err != nil {
		return nil, err
	}
	r, err := readRun(dir, log)
	if err != nil {
		return nil, err
	}
	original := o.Original && isOriginalRun(r.config.Options)
	s, err := r.section(original)
	if err != nil {
		return nil, err
	}
	if canvas && net != nil {
		if s.Network, err = drawable(net, log); err != nil {
			return nil, err
		}
	}
	if missing == nil {
		s.Texts = []string{dataText(m.data, m.result.ClassNames), runText(r.config, r.epochs, fmt.Sprintf("Test accuracy %.4f, loss %.4f, expected calibration error %.4f", m.result.Accuracy, m.result.Loss, m.result.ECE))}
		if s.Pictures, err = pictures(predict.Grid(m.test, m.draws), m.result, m.test); err != nil {
			return nil, err
		}
		s.Details = append(s.Details, classTable(m.result))
	} else {
		log(fmt.Sprintf("%s: %v; %s are left out", dir, missing.cause, needData))
		s.Texts = []string{missing.text(), runText(r.config, r.epochs, lastTest(r.epochs))}
	}
	if original {
		s.Texts = append(s.Texts, originalRunText)
	}
	return s, nil
}

// A written is what a run itself wrote down.
type written struct {
	dir    runs.Dir
	config *train.Config
	epochs []metrics.Epoch
}

func readRun(dir runs.Dir, log func(string)) (r written, err error) {
	r.dir = dir
	if r.config, err = train.ReadConfig(dir); err != nil {
		return r, err
	}
	epochs, cut, err := dir.Epochs()
	if cut != nil {
		log(cut.String())
	}
	r.epochs = epochs
	return r, err
}

// section returns a section with what a run wrote down, but for its texts.
func (r *written) section(original bool) (s *section, err error) {
	s = &section{dir: r.dir, Title: fmt.Sprintf("%s: %s, learning rate %v, batch size %d", r.config.Source.Title(), counted(len(r.epochs), "epoch"), r.config.LearningRate, r.config.BatchSize)}
	if s.Plots, err = drawn(curves(r.epochs, original)...); err != nil {
		return nil, err
	}
	if len(r.epochs) > 0 {
		s.Details = []table{epochTable(r.epochs, original)}
	}
	return s, s.describe(r.config)
}

// maxDrawable is how many parameters a network may have whose weights the page holds, to read what is drawn on it.
const maxDrawable = 1 << 20

// drawable returns the description of a network, or nil for one that is too large for the page.
func drawable(net *predict.Network, log func(string)) (*predict.Description, error) {
	d, err := net.Describe()
	if err != nil {
		return nil, err
	}
	if n := len(d.Weights) / 4; n > maxDrawable {
		log(fmt.Sprintf("the network has %d parameters, too many for the page: one cannot draw on it", n))
		return nil, nil
	}
	return d, nil
}

// runText says what was measured, which may be nothing, and what the run took.
func runText(config *train.Config, epochs []metrics.Epoch, measured string) string {
	if len(epochs) == 0 {
		return strings.TrimPrefix(measured+". No epoch was measured: the run was stopped in its first one, or its metrics.jsonl is lost.", ". ")
	}
	seconds := 0.0
	for i := range epochs {
		seconds += epochs[i].Seconds()
	}
	return fmt.Sprintf("%s, after %s in %.1f s: %.2f s per epoch with testing, on %s with %s (%s).",
		measured, counted(len(epochs), "epoch"), seconds, seconds/float64(len(epochs)), config.Device, counted(config.Threads, "thread"), config.Versions.CPUCapability)
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
