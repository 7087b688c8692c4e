package train

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"lenet/dataset"
	"lenet/model"
	"lenet/torchx"
)

// DataOptions say which images to use.
type DataOptions struct {
	Dataset string `json:"dataset" default:"mnist" placeholder:"NAME" help:"Data set to fetch and use: mnist or fashion-mnist."`
	Dir     string `json:"data" name:"data" placeholder:"DIR" help:"Folder with four IDX files of your own, in place of --dataset."`
	Mirror  string `json:"mirror" placeholder:"URL" help:"Base URL to fetch the data set's files from."`
}

// ComputeOptions say where to compute.
type ComputeOptions struct {
	Device  string `json:"device" default:"auto" env:"LENET_DEVICE" placeholder:"NAME" help:"auto, cpu, cuda or cuda:N; also from LENET_DEVICE."`
	Threads int    `json:"threads" default:"0" placeholder:"N" help:"CPU threads of one operation; 0 takes one for each CPU."`

	DataOnDevice *bool `json:"data_on_device,omitempty" negatable:"" help:"Keep the whole data set in the GPU's memory, or (--no-data-on-device) fetch each batch as it is needed. Without this, as there is room."`

	Kernels model.Kernels `json:"kernels" default:"fused" placeholder:"NAME" help:"The network's operators: fused, or reference, libtorch's own."`
}

// Graph says whether to give a GPU each step as one CUDA graph.
type Graph string

const (
	GraphAuto Graph = "auto" // where a step can be captured
	GraphOn   Graph = "on"   // it is an error where it cannot
	GraphOff  Graph = "off"
)

// Setting are the options that a sweep may vary.
type Setting struct {
	LearningRate float64          `json:"lr" name:"lr" default:"1.5" placeholder:"X" help:"Learning rate, the largest of a --schedule."`
	BatchSize    int              `json:"batch_size" default:"256" placeholder:"N" help:"Images a step; more than the set has means one batch."`
	Optimizer    string           `json:"optimizer" default:"sgd" placeholder:"NAME" help:"sgd, adam or adamw, as in PyTorch."`
	Activation   model.Activation `json:"activation" default:"sigmoid" placeholder:"NAME" help:"sigmoid, tanh or relu."`
	Seed         uint64           `json:"seed" default:"1" placeholder:"N" help:"Seed of the weights, of the order of the images and of their changes."`
}

// Method are the other options that decide what is learnt.
type Method struct {
	Epochs         int                  `json:"epochs" default:"25" placeholder:"N" help:"Passes over the training set."`
	Momentum       float64              `json:"momentum" default:"0" placeholder:"X" help:"Momentum of sgd."`
	Nesterov       bool                 `json:"nesterov" negatable:"" help:"Nesterov's momentum."`
	WeightDecay    float64              `json:"weight_decay" default:"0" placeholder:"X" help:"Weight decay; adamw's is decoupled from the gradient."`
	Betas          []float64            `json:"betas" default:"0.9,0.999" placeholder:"X,Y" help:"Decay of adam's and adamw's two averages."`
	Schedule       Schedule             `json:"schedule" default:"constant" placeholder:"NAME" help:"Learning rate over the steps: constant, step, cosine or onecycle."`
	WarmUp         float64              `json:"warm_up" default:"0" placeholder:"X" help:"Epochs in which the learning rate rises to --lr; with onecycle 0 means three tenths of all."`
	StepSize       int                  `json:"step_size" default:"10" placeholder:"N" help:"With --schedule step: epochs after which the learning rate is multiplied with --gamma."`
	Gamma          float64              `json:"gamma" default:"0.1" placeholder:"X" help:"See --step-size."`
	Augment        dataset.Augmentation `json:"augment" placeholder:"LIST" help:"Change training images at random: any of shift, rotate, scale, as in shift=2,rotate=10,scale=0.1, which are the bounds (pixels, degrees, share) where none are given."`
	LabelSmoothing float64              `json:"label_smoothing" default:"0" placeholder:"X" help:"Share of the target that is spread over all classes."`
	EMA            float64              `json:"ema" name:"ema" default:"0" placeholder:"X" help:"Test and save moving averages of the weights, which keep this share of themselves at each step."`
}

// Options are all settings of a run. The struct tags make it the command line's flags and what config.json holds. The
// defaults are the report's final run.
type Options struct {
	DataOptions
	ComputeOptions
	Recipe string `json:"recipe" default:"report" placeholder:"NAME" help:"A set of the options below, each of which may still be given: report, which is their defaults, or fast."`
	Setting
	Method

	Validation int   `json:"validation" default:"0" placeholder:"N" help:"Images split off the training set to validate with, each label's share alike."`
	EarlyStop  int   `json:"early_stop" default:"0" placeholder:"N" help:"Stop after N epochs without a better validation accuracy, and keep the best epoch's weights."`
	Graph      Graph `json:"graph" default:"auto" placeholder:"MODE" help:"Steps as a CUDA graph: auto (where that works), on or off."`

	Out         string `json:"out" placeholder:"DIR" help:"Run folder to make, by default runs/ and the time."`
	Force       bool   `json:"force" help:"Overwrite the run in --out."`
	TensorBoard bool   `json:"tensorboard" name:"tensorboard" help:"Also write an event file for TensorBoard into the run folder."`
}

// A UsageError reports a setting that cannot be. It is a mistake in the command, not a failure of the run.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Validate checks what can be checked without touching files or devices. Its errors are [UsageError]s.
func (o *Options) Validate() error {
	if _, ok := Recipes[o.Recipe]; !ok {
		return UsageError(fmt.Sprintf("--recipe is %q and must be one of %s", o.Recipe, strings.Join(slices.Sorted(maps.Keys(Recipes)), ", ")))
	}
	switch {
	case o.Graph != GraphAuto && o.Graph != GraphOn && o.Graph != GraphOff:
		return UsageError(fmt.Sprintf("--graph is %q and must be auto, on or off", o.Graph))
	case o.Validation < 0:
		return UsageError(fmt.Sprintf("--validation is %d and must be 0 or more", o.Validation))
	case o.EarlyStop < 0:
		return UsageError(fmt.Sprintf("--early-stop is %d and must be 0 or more", o.EarlyStop))
	case o.EarlyStop > 0 && o.Validation == 0:
		return UsageError("--early-stop needs images to validate with, as in --validation 5000")
	}
	if o.Augment != (dataset.Augmentation{}) && o.DataOnDevice != nil && *o.DataOnDevice {
		return UsageError("--augment changes images before they go to the GPU, and --data-on-device keeps them there; give one of the two")
	}
	for _, err := range []error{o.Setting.Validate(), o.Method.Validate(), o.ComputeOptions.Validate()} {
		if err != nil {
			return err
		}
	}
	return nil
}

// Validate checks each value. Its errors are [UsageError]s.
func (s *Setting) Validate() error {
	switch {
	case !(s.LearningRate > 0) || math.IsInf(s.LearningRate, 0):
		return UsageError(fmt.Sprintf("--lr is %v and must be a positive number", s.LearningRate))
	case s.BatchSize < 1:
		return UsageError(fmt.Sprintf("--batch-size is %d and must be 1 or more", s.BatchSize))
	case !slices.Contains([]string{"sgd", "adam", "adamw"}, s.Optimizer):
		return UsageError(fmt.Sprintf("--optimizer is %q and must be sgd, adam or adamw", s.Optimizer))
	case !slices.Contains(model.Activations, s.Activation):
		return UsageError(fmt.Sprintf("--activation is %q and must be sigmoid, tanh or relu", s.Activation))
	}
	return nil
}

// Validate checks each value, and that they go together. Its errors are [UsageError]s.
func (m *Method) Validate() error {
	for _, share := range []struct {
		flag  string
		value float64
	}{{"--momentum", m.Momentum}, {"--label-smoothing", m.LabelSmoothing}, {"--ema", m.EMA}} {
		if !(share.value >= 0 && share.value < 1) {
			return UsageError(fmt.Sprintf("%s is %v and must be 0 or more, and less than 1", share.flag, share.value))
		}
	}
	switch {
	case m.Epochs < 1:
		return UsageError(fmt.Sprintf("--epochs is %d and must be 1 or more", m.Epochs))
	case m.Nesterov && m.Momentum == 0:
		return UsageError("--nesterov needs a --momentum, as in --momentum 0.9")
	case !(m.WeightDecay >= 0) || math.IsInf(m.WeightDecay, 0):
		return UsageError(fmt.Sprintf("--weight-decay is %v and must be 0 or more", m.WeightDecay))
	case len(m.Betas) != 2 || slices.ContainsFunc(m.Betas, func(b float64) bool { return !(b >= 0 && b < 1) }):
		return UsageError(fmt.Sprintf("--betas are %v and must be two numbers of 0 or more, and less than 1", m.Betas))
	case !slices.Contains(Schedules, m.Schedule):
		return UsageError(fmt.Sprintf("--schedule is %q and must be constant, step, cosine or onecycle", m.Schedule))
	case !(m.WarmUp >= 0 && m.WarmUp <= float64(m.Epochs)):
		return UsageError(fmt.Sprintf("--warm-up is %v and must be 0 to --epochs, %d", m.WarmUp, m.Epochs))
	case m.StepSize < 1:
		return UsageError(fmt.Sprintf("--step-size is %d and must be 1 or more", m.StepSize))
	case !(m.Gamma > 0 && m.Gamma <= 1):
		return UsageError(fmt.Sprintf("--gamma is %v and must be more than 0, and 1 at most", m.Gamma))
	}
	return nil
}

// Validate checks the device's name, the number of threads and the kernels' name. Its errors are [UsageError]s.
func (c *ComputeOptions) Validate() error {
	if c.Threads < 0 || c.Threads > math.MaxInt16 {
		return UsageError(fmt.Sprintf("--threads is %d and must be 0 to %d", c.Threads, math.MaxInt16))
	}
	if c.Kernels != model.Fused && c.Kernels != model.Reference {
		return UsageError(fmt.Sprintf("--kernels is %q and must be fused or reference", c.Kernels))
	}
	name, index, indexed := strings.Cut(c.Device, ":")
	_, err := strconv.ParseUint(index, 10, 8)
	switch {
	case !indexed && (name == "auto" || name == "cpu" || name == "cuda"):
	case indexed && name == "cuda" && err == nil:
	default:
		return UsageError(fmt.Sprintf("--device is %q and must be auto, cpu, cuda or cuda:N", c.Device))
	}
	return nil
}

// Resolve replaces what was left open with what is used: Device is "cpu" or "cuda:N" and Threads a number.
func (c *ComputeOptions) Resolve(log func(string)) error {
	device, why, err := chooseDevice(c.Device, torchx.CUDADevices)
	if err != nil {
		return err
	}
	if why != "" {
		log(why)
	}
	c.Device = device
	if c.Threads == 0 {
		c.Threads = runtime.NumCPU()
	}
	return nil
}

// Use makes the calling thread compute as resolved options say. It keeps the goroutine on its thread until release is called, since libtorch
// keeps a number of threads, a pool of them, and a CUDA stream for each thread that calls it.
func (c *ComputeOptions) Use() (release func(), err error) {
	runtime.LockOSThread()
	if c.Device != "cpu" {
		err = torchx.UseCUDA(cudaIndex(c.Device))
	}
	if err == nil {
		err = torchx.SetNumThreads(c.Threads)
	}
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return runtime.UnlockOSThread, nil
}
