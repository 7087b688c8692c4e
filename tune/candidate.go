package tune

import (
	"math"
	"slices"

	"lenet/metrics"
	"lenet/train"
)

// A Candidate is a combination of hyperparameters that validation may choose. Its trials differ only in their seeds.
type Candidate struct{ Trials []*Trial }

// A Measure is an accuracy of a trial, 0 to 1, that plots and tables show.
type Measure struct {
	Name string
	Of   func(*Trial) float64
}

// The measures of a sweep.
var (
	Validation = Measure{"validation", (*Trial).Validation}
	Test       = Measure{"test", (*Trial).Test}
	Training   = Measure{"training, mean over epochs", (*Trial).TrainAccuracy}
)

// Setting returns the candidate's hyperparameters, with the first of its seeds.
func (c *Candidate) Setting() train.Hyperparameters { return c.Trials[0].Hyperparameters }

// Epochs returns the number of epochs that each of its trials has reached.
func (c *Candidate) Epochs() int {
	n := math.MaxInt
	for _, t := range c.Trials {
		n = min(n, len(t.Metrics))
	}
	return n
}

// Seconds returns the training and testing time of its trials, summed.
func (c *Candidate) Seconds() (sum float64) {
	for _, t := range c.Trials {
		sum += t.Seconds
	}
	return sum
}

// Failed reports whether the loss of any of its trials was not finite.
func (c *Candidate) Failed() bool {
	return slices.ContainsFunc(c.Trials, func(t *Trial) bool { return t.Failed != "" })
}

// Mean returns the mean of a measure over the seeds and its standard deviation, which is 0 for one seed.
func (c *Candidate) Mean(m Measure) (mean, deviation float64) {
	n := float64(len(c.Trials))
	for _, t := range c.Trials {
		mean += m.Of(t) / n
	}
	for _, t := range c.Trials {
		deviation += (m.Of(t) - mean) * (m.Of(t) - mean)
	}
	return mean, math.Sqrt(deviation / max(1, n-1))
}

// after returns the mean validation accuracy after a number of epochs, or -1 if a trial has fewer.
func (c *Candidate) after(epochs int) (mean float64) {
	for _, t := range c.Trials {
		if len(t.Metrics) < epochs {
			return -1
		}
		mean += t.Metrics[epochs-1].Of(metrics.Validation, metrics.Accuracy) / float64(len(c.Trials))
	}
	return mean
}

// better reports whether validation prefers c: it has more epochs, or as many and a higher mean accuracy.
func (c *Candidate) better(than *Candidate) bool {
	if c.Epochs() != than.Epochs() {
		return c.Epochs() > than.Epochs()
	}
	a, _ := c.Mean(Validation)
	b, _ := than.Mean(Validation)
	return a > b
}

// candidates groups trials by their hyperparameters without the seed, in the order of their first trials.
func candidates(trials []*Trial) (all []*Candidate) {
	place := map[train.Hyperparameters]int{}
	for _, t := range trials {
		setting := t.Hyperparameters
		setting.Seed = 0
		i, known := place[setting]
		if !known {
			i = len(all)
			place[setting] = i
			all = append(all, &Candidate{})
		}
		all[i].Trials = append(all[i].Trials, t)
	}
	return all
}

// best returns the candidate that validation chooses, the first of equals. It is nil if every candidate has failed or has a trial without an epoch.
func best(all []*Candidate) (best *Candidate) {
	for _, c := range all {
		if !c.Failed() && c.Epochs() > 0 && (best == nil || c.better(best)) {
			best = c
		}
	}
	return best
}
