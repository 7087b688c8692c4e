package tune

import (
	"fmt"
	"path/filepath"
	"strconv"

	"lenet/figure"
)

// units are the labels of the axes.
var units = map[string]string{
	"lr": "learning rate", "batch-size": "batch size", "optimizer": "optimizer", "activation": "activation", "seed": "seed",
}

// Unit returns the label of an axis, by its flag.
func Unit(name string) string { return units[name] }

// The series of a sweep's plot.
const (
	ValidationSeries = iota
	TestSeries
	TrainSeries
)

// Plot returns the accuracies over an axis: at each of its values the best trial by validation, where others are swept too.
func (r *Result) Plot(axis Axis) *figure.Lines {
	l := &figure.Lines{
		Title:  fmt.Sprintf("Accuracy after %d epochs", r.Options.Epochs),
		XLabel: units[axis.Name], YLabel: "accuracy (share of images)",
		Series: []figure.Series{{Name: "validation"}, {Name: "test"}, {Name: "training, mean over epochs", Dashed: true}},
	}
	if len(r.Axes) > 1 {
		l.Title += ", best of the other settings"
	}
	numeric := axis.Name == "lr"
	for _, value := range axis.Values {
		var best *Trial
		for i := range r.Trials {
			t := &r.Trials[i]
			if sameValue(axis.Of(t.Setting), value) && t.Failed == "" && len(t.Metrics) > 0 && (best == nil || better(t, best)) {
				best = t
			}
		}
		if best == nil {
			continue
		}
		if !numeric {
			l.Names = append(l.Names, value)
		}
		x := l.Place(len(l.Names)-1, value)
		for i, y := range []float64{best.Validation(), best.Test(), best.TrainAccuracy()} {
			l.Series[i].X, l.Series[i].Y = append(l.Series[i].X, x), append(l.Series[i].Y, y)
		}
	}
	l.Fit()
	return l
}

func sameValue(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return a == b || errX == nil && errY == nil && x == y
}

// SavePlots writes a plot of each swept axis into the sweep's folder, as PNG and SVG, and returns their paths without the endings.
func (r *Result) SavePlots() ([]string, error) {
	var paths []string
	for _, axis := range r.Axes {
		l := r.Plot(axis)
		if len(l.Series[0].Y) == 0 {
			continue // all have failed
		}
		path := filepath.Join(r.Dir, axis.Name)
		if err := figure.Save(path, l); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
