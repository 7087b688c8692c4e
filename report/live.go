package report

import (
	"bytes"
	"context"
	"fmt"
	"html/template"

	"lenet/figure"
	"lenet/metrics"
	"lenet/runs"
	"lenet/tune"
)

// Section returns the part of the page that is about one run or sweep, as HTML, without its title and without a canvas. A run that still trains, which
// live says, has what it wrote down until now: curves by epoch and within the epochs, but nothing that the test set is needed for.
//
// Errors: those of [Write].
func Section(ctx context.Context, dir runs.Dir, o Options, live bool, log func(string)) (template.HTML, error) {
	s, err := sectionOf(ctx, dir, o, live, log)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "section", s); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return template.HTML(b.String()), nil
}

func sectionOf(ctx context.Context, dir runs.Dir, o Options, live bool, log func(string)) (*section, error) {
	if dir.IsSweep() {
		result, config, err := tune.Read(dir, log)
		if err != nil {
			return nil, err
		}
		return sweepSection([]*sweep{{result, config}}, o.Original)
	}
	r, err := readRun(dir, log)
	if err != nil {
		return nil, err
	}
	s, err := r.lasting(ctx, o, live, log)
	if err != nil {
		return nil, err
	}
	within, err := r.within()
	s.Plots = append(s.Plots, within...)
	return s, err
}

// lasting returns the section of a run without what is within its epochs. Where the network cannot be measured it says so.
func (r *written) lasting(ctx context.Context, o Options, live bool, log func(string)) (*section, error) {
	var unmeasured error
	if !live {
		s, err := runSection(ctx, string(r.dir), o, false, log)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		unmeasured = err
	}
	s, err := r.section(false)
	if err != nil {
		return nil, err
	}
	if len(r.epochs) > 0 {
		s.Texts = []string{runText(r.config, r.epochs, lastTest(r.epochs))}
	}
	if unmeasured != nil {
		s.Texts = append(s.Texts, fmt.Sprintf("The network cannot be measured: %v.", unmeasured))
	}
	return s, nil
}

// A curve within the epochs has so many points at most, and a point is the mean over this part of an epoch's images at least.
const (
	withinPoints = 240
	withinImages = 50
)

// within returns plots of loss and accuracy within the epochs: means over the images between two lines of the batch progress.
func (r *written) within() ([]template.HTML, error) {
	lines, _, err := r.dir.Progress()
	if err != nil {
		return nil, err
	}
	var loss, accuracy figure.Series
	loss.Name, accuracy.Name = metrics.Train.Title(), metrics.Train.Title()
	step := 1 + len(lines)/withinPoints
	var before metrics.Progress
	for i, p := range lines {
		if p.Epoch != before.Epoch {
			before = metrics.Progress{Epoch: p.Epoch}
		}
		last := i == len(lines)-1 || lines[i+1].Epoch != p.Epoch
		if i%step != 0 && !last || p.Of < 1 || withinImages*(p.Images-before.Images) < p.Of { // a mean over few images says little
			continue
		}
		n := float64(p.Images - before.Images)
		mean := func(now, then float64) float64 { return (now*float64(p.Images) - then*float64(before.Images)) / n }
		x := float64(p.Epoch-1) + float64(p.Images)/float64(p.Of)
		loss.X, loss.Y = append(loss.X, x), append(loss.Y, mean(p.Loss, before.Loss))
		accuracy.X, accuracy.Y = append(accuracy.X, x), append(accuracy.Y, mean(p.Accuracy, before.Accuracy))
		before = p
	}
	if len(loss.X) < 2 {
		return nil, nil
	}
	losses := &figure.Lines{Title: "Loss within the epochs", XLabel: "epoch", YLabel: "cross-entropy (nats an image)", FromZero: true, Series: []figure.Series{loss}}
	accuracies := &figure.Lines{Title: "Accuracy within the epochs", XLabel: "epoch", YLabel: "accuracy (share of images)", Series: []figure.Series{accuracy}}
	accuracies.Fit()
	return drawn(losses, accuracies)
}
