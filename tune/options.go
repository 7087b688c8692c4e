// Package tune sweeps hyperparameters: it trains a network for each combination and chooses the best by its accuracy on validation images.
package tune

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"lenet/compute"
	"lenet/dataset"
	"lenet/option"
	"lenet/train"
)

// Options are the options of a sweep. The struct tags define the command line's flags and the keys of config.json.
type Options struct {
	dataset.Source
	compute.Resources
	Recipe string `json:"recipe" default:"report" placeholder:"NAME" help:"A set of the options below, each of which may still be given: ${recipes}. report means their defaults."`

	LearningRate string `json:"lr" name:"lr" default:"1.5" placeholder:"LIST" help:"Learning rates: a list, or first:last:step, as in 0.15:1.5:0.15."`
	BatchSize    string `json:"batch_size" default:"256" placeholder:"LIST" help:"Batch sizes, written the same way."`
	Optimizer    string `json:"optimizer" default:"sgd" placeholder:"LIST" help:"Optimizers: one or several of ${optimizers}."`
	Activation   string `json:"activation" default:"sigmoid" placeholder:"LIST" help:"Activations: one or several of ${activations}."`
	Seed         string `json:"seed" default:"1" placeholder:"LIST" help:"Seeds, as in 1,2,3 or 1:10:1."`
	train.Method

	Trials     int            `json:"trials" default:"0" placeholder:"N" help:"Train N of the combinations, drawn at random, instead of all."`
	Jobs       int            `json:"jobs" default:"0" placeholder:"N" help:"Trials that run at the same time; 0: one for each thread that --threads has by default, or four on a GPU."`
	Halving    bool           `json:"halving" help:"Train all combinations for a few epochs, the best third of them (by the mean over their seeds) for three times as many, and so on up to --epochs."`
	CarryOver  bool           `json:"carry_over" help:"Start each trial from the final weights of the one before, as the report did. Trials run one after another."`
	Validation int            `json:"validation" default:"5000" placeholder:"N" help:"Images split off the training set to choose by, the same share of each label; of a set of less than 10,000, a seventh."`
	Every      train.Interval `json:"checkpoint_every" name:"checkpoint-every" default:"1" placeholder:"N" help:"Save all that --resume needs of a trial after every N epochs, or, as in 500steps or 30s, N steps or a time; 0: only when the sweep is stopped."`
	Graph      train.Graph    `json:"graph" default:"auto" placeholder:"MODE" help:"Run steps as CUDA graphs: auto (where that works), on or off. Only where steps are commands of their own, as with --kernels reference."`

	Out   string `json:"out" placeholder:"DIR" help:"Folder to create. Default runs/tune-TIME."`
	Force bool   `json:"force" help:"Overwrite the sweep in --out."`
}

// defaultValidation is how many images are split off by default, if these are at most half of the training set; otherwise one of smallShare is.
const (
	defaultValidation = 5000
	smallShare        = 7
)

// Defaults returns the options of a sweep of nothing: one trial, which is the report's final run with validation.
func Defaults() (o Options) {
	option.Defaults(&o, train.Names)
	return o
}

// settings returns the hyperparameters of each trial, in the trials' order: the first axis changes slowest.
func (o *Options) settings() ([]train.Hyperparameters, []Axis, error) {
	axes, err := o.axes()
	if err != nil {
		return nil, nil, err
	}
	all := []train.Hyperparameters{train.Defaults().Hyperparameters}
	for _, axis := range axes {
		if len(all)*len(axis.Values) > maxValues {
			return nil, nil, option.Errorf("trials", "would be drawn from more than %d combinations: give shorter lists", maxValues)
		}
		var next []train.Hyperparameters
		for _, s := range all {
			for _, value := range axis.Values {
				if err := axis.set(&s, value); err != nil {
					return nil, nil, err
				}
				next = append(next, s)
			}
		}
		all = next
	}
	if o.Trials > 0 && o.Trials < len(all) {
		all = draw(all, o.Trials)
	}
	for _, s := range all {
		if err := s.Validate(); err != nil {
			return nil, nil, err
		}
	}
	return all, axes, nil
}

// draw returns n of the settings, drawn at random and in their order. The same settings give the same draw.
func draw(all []train.Hyperparameters, n int) []train.Hyperparameters {
	random := rand.New(rand.NewPCG(1, uint64(len(all))))
	var drawn []train.Hyperparameters
	for i, s := range all {
		if random.IntN(len(all)-i) < n-len(drawn) {
			drawn = append(drawn, s)
		}
	}
	return drawn
}

// validate checks all options but the lists, and touches neither files nor devices. Its errors are [option.Error]s.
func (o *Options) validate() error {
	whole := o.trial(train.Defaults().Hyperparameters)
	if err := whole.Validate(); err != nil {
		return err
	}
	switch {
	case o.Validation < 1:
		return option.Errorf("validation", "is %d and must be 1 or more: these images choose the best", o.Validation)
	case o.Trials < 0:
		return option.Errorf("trials", "is %d and must be 0 or more", o.Trials)
	case o.Jobs < 0:
		return option.Errorf("jobs", "is %d and must be 0 or more", o.Jobs)
	case o.CarryOver && (o.Jobs > 1 || o.Halving):
		return option.Errorf("carry-over", "runs one trial after another, each to its end: leave out --jobs and --halving")
	case o.CarryOver && strings.ContainsAny(o.Activation, ","):
		return option.Errorf("carry-over", "needs a single --activation: weights trained with one do not suit another")
	}
	return nil
}

// trial returns the options that a trial is trained with.
func (o *Options) trial(s train.Hyperparameters) train.Options {
	return train.Options{
		Source: o.Source, Resources: o.Resources, Recipe: o.Recipe, Hyperparameters: s, Method: o.Method,
		Validation: o.Validation, Graph: o.Graph, Checkpoints: train.Checkpoints{Every: o.Every, Keep: 1},
	}
}

// Budget returns in words how many epochs a trial is trained for.
func (o *Options) Budget() string {
	text := fmt.Sprintf("%d epochs", o.Epochs)
	if o.Epochs == 1 {
		text = "1 epoch"
	}
	if o.Halving {
		text = "up to " + text
	}
	return text
}

// budgets returns the numbers of epochs up to which candidates are trained. After each but the last, halving drops candidates.
func (o *Options) budgets(candidates int) []int {
	budgets := []int{o.Epochs}
	if !o.Halving {
		return budgets
	}
	for n := candidates; n > keep && budgets[0] > 1; n = kept(n) {
		budgets = append([]int{(budgets[0] + keep - 1) / keep}, budgets...)
	}
	return budgets
}

// keep says that halving keeps one of so many candidates: 3, as Li et al. (Hyperband, 2018) recommend.
const keep = 3

// kept returns how many of n candidates halving keeps.
func kept(n int) int { return (n + keep - 1) / keep }
