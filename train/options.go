package train

import (
	"cmp"
	"math"

	"lenet/compute"
	"lenet/dataset"
	"lenet/model"
	"lenet/optim"
	"lenet/option"
)

// Graph says whether to give a GPU each step as one CUDA graph.
type Graph string

const (
	GraphAuto Graph = "auto" // where a step can be captured
	GraphOn   Graph = "on"   // it is an error where it cannot
	GraphOff  Graph = "off"
)

// Names are the lists of names in the help of [Options].
var Names = option.Join(dataset.Names, compute.Names, model.Names, optim.Names, option.Names{
	"recipes": recipeNames(), "graphs": {string(GraphAuto), string(GraphOn), string(GraphOff)},
})

// Hyperparameters are the options that a sweep may vary.
type Hyperparameters struct {
	LearningRate float64 `json:"lr" name:"lr" default:"1.5" placeholder:"X" help:"Learning rate, the largest of a --schedule."`
	BatchSize    int     `json:"batch_size" default:"256" placeholder:"N" help:"Images a step; more than the set has means one batch."`
	Optimizer    string  `json:"optimizer" default:"sgd" placeholder:"NAME" help:"${optimizers}, as in PyTorch."`
	Activation   string  `json:"activation" default:"sigmoid" placeholder:"NAME" help:"${activations}."`
	Seed         uint64  `json:"seed" default:"1" placeholder:"N" help:"Seed of the weights, of the order of the images and of their augmentation."`
}

// Method are the other options that decide what is learnt.
type Method struct {
	Epochs int `json:"epochs" default:"25" placeholder:"N" help:"Passes over the training set."`
	optim.Settings
	optim.Schedule
	Augment        dataset.Augmentation `json:"augment" placeholder:"LIST" help:"Change training images at random: any of shift, rotate, scale, as in shift=2,rotate=10,scale=0.1, which are the bounds (pixels, degrees, share) where none are given."`
	LabelSmoothing float64              `json:"label_smoothing" default:"0" placeholder:"X" help:"Share of the target that is spread over all classes."`
}

// Options are all settings of a run. The struct tags make it the command line's flags and what config.json holds. The
// defaults are the report's final run.
type Options struct {
	dataset.Source
	compute.Resources
	Recipe string `json:"recipe" default:"report" placeholder:"NAME" help:"A set of the options below, each of which may still be given: ${recipes}. report means their defaults."`
	Hyperparameters
	Method

	Validation int   `json:"validation" default:"0" placeholder:"N" help:"Images split off the training set to validate with, the same share of each label."`
	EarlyStop  int   `json:"early_stop" default:"0" placeholder:"N" help:"Stop after N epochs without a better validation accuracy."`
	Graph      Graph `json:"graph" default:"auto" placeholder:"MODE" help:"Run steps as CUDA graphs: auto (where that works), on or off. Only where steps are commands of their own, as with --kernels reference."`

	Out   string `json:"out" placeholder:"DIR" help:"Run folder to make, by default runs/ and the time."`
	Force bool   `json:"force" help:"Overwrite the run in --out."`
	Checkpoints
	TensorBoard bool `json:"tensorboard" name:"tensorboard" negatable:"" help:"Also write an event file for TensorBoard into the run folder."`
}

// Checkpoints say when the whole state of a run is saved, beside its end, and how often it is kept.
type Checkpoints struct {
	Every Interval `json:"checkpoint_every" name:"checkpoint-every" default:"1" placeholder:"N" help:"Save all that --resume needs after every N epochs, or, as in 500steps or 30s, N steps or a time; 0: only at the end."`
	Keep  int      `json:"keep_checkpoints" name:"keep-checkpoints" default:"2" placeholder:"N" help:"Checkpoints that are kept: the last N, and that of the best epoch, if one was taken at its end."`
}

// Defaults returns the options of the report's final run.
func Defaults() (o Options) {
	option.Defaults(&o, Names)
	return o
}

// Spec returns the network that the options describe, for images of rows x cols pixels in so many classes.
func (o *Options) Spec(rows, cols, classes int) model.Spec {
	spec := model.Report()
	spec.Rows, spec.Cols, spec.Classes, spec.Activation = rows, cols, classes, o.Activation
	return spec
}

// Validate checks what can be checked without touching files or devices. Its errors are [option.Error]s.
func (o *Options) Validate() error {
	if err := option.First(
		option.OneOf("recipe", o.Recipe, Names["recipes"]),
		option.OneOf("dataset", cmp.Or(o.Dataset, "mnist"), Names["datasets"]), // also where there is --data
		option.OneOf("graph", string(o.Graph), Names["graphs"]),
		option.AtLeast("validation", o.Validation, 0),
		option.AtLeast("early-stop", o.EarlyStop, 0),
		option.AtLeast("keep-checkpoints", o.Keep, 1),
		o.Hyperparameters.Validate(), o.Method.Validate(), o.Resources.Validate(),
	); err != nil {
		return err
	}
	if o.EarlyStop > 0 && o.Validation == 0 {
		return option.Errorf("early-stop", "needs images to validate with, such as 5000")
	}
	return o.validateGraph()
}

// validateGraph checks that there is a device for graphs. An automatic device is known only once it is resolved.
func (o *Options) validateGraph() error {
	if o.Graph == GraphOn && o.Device == compute.CPU {
		return option.Errorf("graph", "on needs a CUDA device, and this run is on the CPU")
	}
	return nil
}

// Validate checks each value. Its errors are [option.Error]s.
func (h *Hyperparameters) Validate() error {
	if !(h.LearningRate > 0) || math.IsInf(h.LearningRate, 0) {
		return option.Errorf("lr", "is %v and must be a positive number", h.LearningRate)
	}
	return option.First(
		option.AtLeast("batch-size", h.BatchSize, 1),
		optim.ValidateName(h.Optimizer),
		model.ValidateActivation(h.Activation),
	)
}

// Validate checks each value, and that they go together. Its errors are [option.Error]s.
func (m *Method) Validate() error {
	return option.First(
		option.AtLeast("epochs", m.Epochs, 1),
		m.Settings.Validate(),
		m.Schedule.Validate(m.Epochs),
		option.Share("label-smoothing", m.LabelSmoothing),
	)
}
