package tune

import (
	"math"
	"slices"

	"lenet/figure"
)

// Plot returns measures over an axis. Where other axes are swept too, each value shows the candidate that validation chooses among those with it.
// Measures are means over the seeds. A value without a candidate that validation can choose has no point.
func (r *Result) Plot(axis Axis, measures ...Measure) *figure.Lines {
	l := &figure.Lines{
		Title:  "Accuracy after " + r.Options.Budget(),
		XLabel: axis.Label, YLabel: "accuracy (share of images)",
		Logarithmic: axis.Numeric,
	}
	if slices.ContainsFunc(r.Choices(), func(a Axis) bool { return a.Name != axis.Name }) {
		l.Title += ", best of the other values"
	}
	if !axis.Repeats && r.SweepsSeeds() {
		l.Title += ", mean over seeds"
	}
	for _, m := range measures {
		l.Series = append(l.Series, figure.Series{Name: m.Name})
	}
	if !axis.Numeric {
		l.Names = axis.Values
	}
	for i, value := range axis.Values {
		best := best(candidates(r.trials(func(t *Trial) bool { return axis.Of(t.Hyperparameters) == value })))
		if best == nil && axis.Numeric {
			continue // a failed learning rate may be far from the others and would stretch the axis
		}
		for j, m := range measures {
			y := math.NaN()
			if best != nil {
				y, _ = best.Mean(m)
			}
			s := &l.Series[j]
			s.X, s.Y = append(s.X, l.Place(i, value)), append(s.Y, y)
		}
	}
	l.Fit()
	return l
}

// SavePlots writes a plot of each swept axis into the sweep's folder, as PNG and SVG, and returns the paths without .png and .svg.
func (r *Result) SavePlots() ([]string, error) {
	var paths []string
	for _, axis := range r.Axes {
		l := r.Plot(axis, Validation, Test)
		if l.Empty() {
			continue // every candidate has failed
		}
		path := r.Dir.Picture(axis.Name)
		if err := figure.Save(path, l); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
