// Package compute says where and how to compute: the device, the number of threads, the kernels.
package compute

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"lenet/option"
	"lenet/torchx"
)

// Kernels name a way to compute the network. The mathematics is the same.
type Kernels string

const (
	Fused     Kernels = "fused"     // the network as one operator: [torchx.Network]
	Reference Kernels = "reference" // libtorch's own operators, in the report's order: slow and obvious
)

// Names are the lists of names in the help of [Resources].
var Names = option.Names{"kernels": {string(Fused), string(Reference)}}

// Resources say where to compute, and how.
type Resources struct {
	Device  string `json:"device" default:"auto" env:"LENET_DEVICE" placeholder:"NAME" help:"auto, cpu, cuda or cuda:N."`
	Threads int    `json:"threads" default:"0" placeholder:"N" help:"CPU threads of one operation; 0 takes as many as $OMP_NUM_THREADS says, or one for each CPU, within a container's quota. There are at most four for each CPU."`

	DataOnDevice *bool `json:"data_on_device,omitempty" negatable:"" help:"Keep the whole data set in the GPU's memory, or (--no-data-on-device) copy each batch when it is needed. The default depends on the free memory."`

	Kernels Kernels `json:"kernels" default:"fused" placeholder:"NAME" help:"The network's operators: ${kernels}, which are libtorch's own."`
}

// Validate checks the device's name, the number of threads and the kernels' name. Its errors are [option.Error]s.
func (r *Resources) Validate() error {
	if r.Threads < 0 || r.Threads > math.MaxInt16 {
		return option.Errorf("threads", "is %d and must be 0 to %d", r.Threads, math.MaxInt16)
	}
	if err := option.OneOf("kernels", string(r.Kernels), Names["kernels"]); err != nil {
		return err
	}
	name, index, indexed := strings.Cut(r.Device, ":")
	_, err := strconv.ParseUint(index, 10, 8)
	switch {
	case !indexed && (name == "auto" || name == CPU || name == "cuda"):
	case indexed && name == "cuda" && err == nil:
	default:
		return option.Errorf("device", "is %q and must be auto, cpu, cuda or cuda:N", r.Device)
	}
	return nil
}

// Resolve replaces what was left open with what is used: Device is "cpu" or "cuda:N", and Threads is 1 or more, and at most
// four for each CPU. log gets the reason of an automatic choice, and of fewer threads than were asked for.
//
// Errors: [DeviceError].
func (r *Resources) Resolve(log func(string)) error {
	device, why, err := chooseDevice(r.Device, torchx.CUDADevices)
	if err != nil {
		return err
	}
	if why != "" {
		log(why)
	}
	r.Device = device
	if r.Threads == 0 {
		r.Threads, _ = DefaultThreads()
	}
	if most := threadsPerCPU * runtime.NumCPU(); r.Threads > most {
		log(fmt.Sprintf("threads: %d instead of %d, since there are no more than %d for each CPU", most, r.Threads, threadsPerCPU))
		r.Threads = most
	}
	return nil
}

// Use makes the calling thread compute as resolved options say. It keeps the goroutine on its thread until release is called, since
// libtorch keeps a number of threads, a thread pool, and a CUDA stream for each thread that calls it. release waits for a GPU's work on it;
// then another thread that computes there may go on with the results.
func (r *Resources) Use() (release func(), err error) {
	runtime.LockOSThread()
	if r.Device != CPU {
		err = torchx.UseCUDA(CUDAIndex(r.Device))
	}
	if err == nil {
		err = torchx.SetNumThreads(r.Threads)
	}
	release = func() {
		if r.Device != CPU {
			_ = torchx.ReleaseCUDA() // a device that fails does so in the next call, too
		}
		runtime.UnlockOSThread()
	}
	if err != nil {
		release()
		return nil, fmt.Errorf("compute: %w", err)
	}
	return release, nil
}
