package train

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

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

// Options are all settings of a run. The struct tags make it the command line's flags and what config.json holds. The
// defaults are the report's final run.
type Options struct {
	DataOptions
	ComputeOptions

	Epochs       int     `json:"epochs" default:"25" placeholder:"N" help:"Passes over the training set."`
	BatchSize    int     `json:"batch_size" default:"256" placeholder:"N" help:"Images a step; more than the set has means one batch."`
	LearningRate float64 `json:"lr" name:"lr" default:"1.5" placeholder:"X" help:"Learning rate of plain SGD."`
	Seed         uint64  `json:"seed" default:"1" placeholder:"N" help:"Seed of the weights and of the order of the images."`

	Graph Graph `json:"graph" default:"auto" placeholder:"MODE" help:"Steps as a CUDA graph: auto (where that works), on or off."`

	Out   string `json:"out" placeholder:"DIR" help:"Run folder to make, by default runs/ and the time."`
	Force bool   `json:"force" help:"Overwrite the run in --out."`
}

// A UsageError reports a setting that cannot be. It is a mistake in the command, not a failure of the run.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Validate checks what can be checked without touching files or devices. Its errors are [UsageError]s.
func (o *Options) Validate() error {
	switch {
	case o.Epochs < 1:
		return UsageError(fmt.Sprintf("--epochs is %d and must be 1 or more", o.Epochs))
	case o.BatchSize < 1:
		return UsageError(fmt.Sprintf("--batch-size is %d and must be 1 or more", o.BatchSize))
	case !(o.LearningRate > 0) || math.IsInf(o.LearningRate, 0):
		return UsageError(fmt.Sprintf("--lr is %v and must be a positive number", o.LearningRate))
	case o.Graph != GraphAuto && o.Graph != GraphOn && o.Graph != GraphOff:
		return UsageError(fmt.Sprintf("--graph is %q and must be auto, on or off", o.Graph))
	}
	return o.ComputeOptions.Validate()
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

// apply resolves what was left open to what is used, and tells libtorch. Afterwards Device is "cpu" or "cuda:N" and Threads a number.
func (c *ComputeOptions) apply(log func(string)) error {
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
	if device != "cpu" {
		if err := torchx.UseCUDA(cudaIndex(device)); err != nil {
			return err
		}
	}
	return torchx.SetNumThreads(c.Threads)
}
