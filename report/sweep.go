package report

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"lenet/figure"
	"lenet/train"
	"lenet/tune"
)

type sweep struct {
	*tune.Result
	config *tune.Config
}

// kind returns the weights that a sweep's trials start from.
func (s *sweep) kind() string {
	if s.Options.CarryOver {
		return "carried-over weights"
	}
	return "fresh weights"
}

// essential returns a sweep's options without those that do not keep sweeps from being compared in one section: where files are, a recipe's name,
// how the work is divided, and the weights that trials start from, which is what the section compares.
func essential(o tune.Options) (tune.Options, error) {
	o, err := o.Expanded()
	o.Mirror, o.Recipe, o.Out, o.Force = "", "", "", false
	o.Threads, o.Jobs, o.DataOnDevice, o.Graph = 0, 0, nil, ""
	o.CarryOver, o.Every = false, train.Interval{}
	return o, err
}

// groups returns the sweeps in groups, one for each section. The sweeps of a group differ in the weights that their trials start from, and have equal
// essential options.
func groups(sweeps []*sweep) ([][]*sweep, error) {
	var all [][]*sweep
	var essentials []tune.Options // of each group
next:
	for _, s := range sweeps {
		o, err := essential(s.Options)
		if err != nil {
			return nil, err
		}
		for i, g := range all {
			taken := slices.ContainsFunc(g, func(other *sweep) bool { return other.Options.CarryOver == s.Options.CarryOver })
			if !taken && reflect.DeepEqual(essentials[i], o) {
				all[i] = append(g, s)
				continue next
			}
		}
		all, essentials = append(all, []*sweep{s}), append(essentials, o)
	}
	return all, nil
}

// sweepSection returns the section of a group of sweeps: what validation chooses, a plot of each axis, a table.
func sweepSection(group []*sweep, original bool) (*section, error) {
	first := group[0]
	var names []string
	for _, axis := range first.Axes {
		names = append(names, axis.Label)
	}
	choices := first.Choices()
	s := &section{dir: first.Dir, Title: fmt.Sprintf("%s: sweep of the %s, %s per trial", first.Options.Source.Title(), strings.Join(names, ", "), first.Options.Budget())}
	if len(names) == 0 {
		s.Title = fmt.Sprintf("%s: a sweep of one trial, %s", first.Options.Source.Title(), first.Options.Budget())
	}
	var theirs *originalFigures
	if original {
		var err error
		if theirs, err = originalOf(first); err != nil {
			return nil, err
		}
	}
	for _, g := range group {
		if best := g.Best(); best != nil {
			var values []string
			for _, axis := range choices {
				values = append(values, axis.Label+" "+axis.Of(best.Setting()))
			}
			validation, _ := best.Mean(tune.Validation)
			test, _ := best.Mean(tune.Test)
			s.Texts = append(s.Texts, fmt.Sprintf("With %s, validation on %d images split off the training set chooses %s: validation accuracy %.4f, test accuracy %.4f. %d trials, %d at a time with %s each; %.0f s of training and testing.",
				g.kind(), g.Options.Validation, cmp.Or(strings.Join(values, ", "), "the only combination"), validation, test, len(g.Trials), g.Options.Jobs, counted(g.Options.Threads, "thread"), g.Seconds))
		}
	}
	s.Texts = append(s.Texts, difference(group)...)
	if theirs != nil && theirs.text != "" {
		s.Texts = append(s.Texts, theirs.text)
	}
	for _, axis := range first.Axes {
		figures := slices.DeleteFunc(sweepPlots(group, axis, theirs), (*figure.Lines).Empty)
		plots, err := drawn(figures...)
		if err != nil {
			return nil, err
		}
		s.Plots = append(s.Plots, plots...)
	}
	s.Tables = []table{sweepTable(group, theirs)}
	return s, s.describe(first.config)
}

// difference explains what carrying weights over does to a sweep, if a group has both kinds.
func difference(group []*sweep) []string {
	var fresh, carried *sweep
	for _, s := range group {
		if s.Options.CarryOver {
			carried = s
		} else {
			fresh = s
		}
	}
	if fresh == nil || carried == nil || len(fresh.Trials) < 2 || len(fresh.Trials) != len(carried.Trials) {
		return nil
	}
	last := len(fresh.Trials) - 1
	a, b := &carried.Trials[0], &carried.Trials[last]
	x, y := &fresh.Trials[0], &fresh.Trials[last]
	return []string{fmt.Sprintf("The difference: with carried-over weights each trial continues where the one before it ended, so the network has trained for %d epochs after the first trial and for %d after the last. "+
		"The training accuracy, averaged over a trial's epochs, goes from %.3f in the first trial to %.3f in the last; with fresh weights it goes from %.3f to %.3f, since every trial has to leave the plateau by itself. "+
		"Only the trials with fresh weights compare the values; the others compare, above all, how long the network has been trained.",
		len(a.Metrics), len(a.Metrics)*len(carried.Trials), a.TrainAccuracy(), b.TrainAccuracy(), x.TrainAccuracy(), y.TrainAccuracy())}
}

// sweepPlots returns two plots over an axis: validation and test accuracy, or only test accuracy with a line for each sweep and for the original;
// and the training accuracy.
func sweepPlots(group []*sweep, axis tune.Axis, theirs *originalFigures) []*figure.Lines {
	test, trained := group[0].Plot(axis, tune.Validation, tune.Test), group[0].Plot(axis, tune.Training)
	trained.Title = "Training accuracy, mean of the epochs"
	if len(group) == 1 && theirs == nil {
		return []*figure.Lines{test, trained}
	}
	test.Title = strings.Replace(test.Title, "Accuracy", "Test accuracy", 1)
	test.Series, trained.Series = nil, nil
	for _, s := range group {
		p := s.Plot(axis, tune.Test, tune.Training)
		for i, l := range []*figure.Lines{test, trained} {
			p.Series[i].Name = s.kind()
			l.Series = append(l.Series, p.Series[i])
		}
	}
	if theirs != nil {
		series := figure.Series{Name: "the original", Dashed: true}
		for i, value := range axis.Values {
			if v, ok := theirs.of(value); ok {
				series.X, series.Y = append(series.X, test.Place(i, value)), append(series.Y, v.accuracy)
			}
		}
		test.Series = append(test.Series, series)
	}
	test.Fit()
	trained.Fit()
	return []*figure.Lines{test, trained}
}

// sweepTable has a row for each candidate, with each sweep's accuracies, averaged over the seeds, and its time.
func sweepTable(group []*sweep, theirs *originalFigures) table {
	choices := group[0].Choices()
	t := table{Best: -1}
	for _, axis := range choices {
		t.Head = append(t.Head, axis.Label)
	}
	for _, s := range group {
		of := ""
		if len(group) > 1 {
			of = ", " + strings.TrimSuffix(s.kind(), " weights")
		}
		t.Head = append(t.Head, "validation"+of, "test"+of, "time (s)"+of)
	}
	if theirs != nil {
		t.Head = append(t.Head, "test, original")
	}
	if theirs != nil && theirs.timed() {
		t.Head = append(t.Head, "time (s), original")
	}
	tried := make([]map[train.Hyperparameters]*tune.Candidate, len(group))
	for i, s := range group {
		tried[i] = map[train.Hyperparameters]*tune.Candidate{}
		for _, c := range s.Candidates() {
			tried[i][c.Setting()] = c
		}
	}
	best := group[0].Best()
	for i, c := range group[0].Candidates() {
		if best != nil && c.Setting() == best.Setting() {
			t.Best = i
		}
		var row []string
		for _, axis := range choices {
			row = append(row, axis.Of(c.Setting()))
		}
		for _, of := range tried {
			row = append(row, measures(of[c.Setting()])...)
		}
		if theirs != nil {
			v, ok := theirs.of(choices[0].Of(c.Setting()))
			row = append(row, accuracy(v.accuracy, ok))
			if theirs.timed() {
				row = append(row, fmt.Sprint(v.seconds))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// measures returns a candidate's cells: dashes if the sweep lacks it (nil) or it failed.
func measures(c *tune.Candidate) []string {
	if c == nil || c.Failed() {
		return []string{"–", "–", "–"}
	}
	validation, _ := c.Mean(tune.Validation)
	test, _ := c.Mean(tune.Test)
	return []string{accuracy(validation, true), accuracy(test, true), fmt.Sprintf("%.1f", c.Seconds())}
}
