package tune

import (
	"fmt"
	"path/filepath"
	"slices"

	"lenet/figure"
)

// Plot returns measures over an axis. Where other axes are swept, too, a place shows the best of their settings by validation, and a mean where
// seeds are.
func (r *Result) Plot(axis Axis, measures ...Measure) *figure.Lines {
	l := &figure.Lines{
		Title:  fmt.Sprintf("Accuracy after %d epochs", r.Options.Epochs),
		XLabel: axis.Label, YLabel: "accuracy (share of images)",
		Logarithmic: axis.Numeric,
	}
	if slices.ContainsFunc(r.Choices(), func(a Axis) bool { return a.Name != axis.Name }) {
		l.Title += ", best of the other settings"
	}
	if !axis.Repeats && r.SweepsSeeds() {
		l.Title += ", mean over seeds"
	}
	for _, m := range measures {
		l.Series = append(l.Series, figure.Series{Name: m.Name})
	}
	for _, value := range axis.Values {
		best := best(candidates(r.trials(func(t *Trial) bool { return axis.Of(t.Setting) == value })))
		if best == nil {
			continue
		}
		if !axis.Numeric {
			l.Names = append(l.Names, value)
		}
		x := l.Place(len(l.Names)-1, value)
		for i, m := range measures {
			y, _ := best.Mean(m)
			l.Series[i].X, l.Series[i].Y = append(l.Series[i].X, x), append(l.Series[i].Y, y)
		}
	}
	l.Fit()
	return l
}

// SavePlots writes a plot of each swept axis into the sweep's folder, as PNG and SVG, and returns their paths without the endings.
func (r *Result) SavePlots() ([]string, error) {
	var paths []string
	for _, axis := range r.Axes {
		l := r.Plot(axis, Validation, Test)
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
