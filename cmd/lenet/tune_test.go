package main

import (
	"testing"

	"lenet/metrics"
	"lenet/train"
	"lenet/tune"
)

func TestTheSweepsBarShowsTheMeanOverSeeds(t *testing.T) {
	of := func(accuracies ...float64) *tune.Candidate {
		c := &tune.Candidate{}
		for _, a := range accuracies {
			c.Trials = append(c.Trials, &tune.Trial{
				Hyperparameters: train.Hyperparameters{LearningRate: 0.1, BatchSize: 64}, Metrics: []metrics.Epoch{{Number: 1, Values: []metrics.Value{{Split: metrics.Validation, Name: metrics.Accuracy, Value: a}}}},
			})
		}
		return c
	}
	for want, best := range map[string]*tune.Candidate{
		"6 trials": nil,
		"6 trials, best val acc 0.9000 (lr 0.1, batch size 64)":                  of(0.9),
		"6 trials, best val acc 0.8000, mean of 2 seeds (lr 0.1, batch size 64)": of(0.9, 0.7),
	} {
		if got := describe(6, best); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
