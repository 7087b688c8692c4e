package torchx

// #include "torchx.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// OptimizerOptions are an optimizer's settings, by PyTorch's names and with its meaning.
type OptimizerOptions struct {
	Kind         string // "sgd", "adam" or "adamw"
	LearningRate float64
	WeightDecay  float64
	Momentum     float64 // of sgd
	Nesterov     bool    // of sgd, with momentum
	Betas        [2]float64
	Average      float64 // how much of its moving average a parameter keeps at a step, 0 to 1; 0 keeps no averages
}

// epsilon is Adam's, PyTorch's default.
const epsilon = 1e-8

// optimizerKinds are numbered as in torchx.h.
var optimizerKinds = []string{"sgd", "adam", "adamw"}

// An Optimizer updates parameters in one pass over them all. gotorch's ends the process on an exception and is freed twice.
type Optimizer struct {
	handle unsafe.Pointer
}

// NewOptimizer returns an optimizer of params, which are on one device.
func NewOptimizer(params []torch.Tensor, o OptimizerOptions) (*Optimizer, error) {
	kind := -1
	for i, name := range optimizerKinds {
		if name == o.Kind {
			kind = i
		}
	}
	if kind < 0 {
		return nil, fmt.Errorf("torchx: there is no optimizer %q", o.Kind)
	}
	handles := make([]unsafe.Pointer, len(params))
	for i, p := range params {
		handles[i] = *p.T
	}
	settings := C.torchx_optimizer_settings{
		kind: C.int(kind), learning_rate: C.double(o.LearningRate), weight_decay: C.double(o.WeightDecay),
		momentum: C.double(o.Momentum), nesterov: C.bool(o.Nesterov),
		beta1: C.double(o.Betas[0]), beta2: C.double(o.Betas[1]), epsilon: epsilon, average: C.double(o.Average),
	}
	var opt Optimizer
	err := check(C.torchx_optimizer(unsafe.SliceData(handles), C.size_t(len(handles)), &settings, &opt.handle))
	runtime.KeepAlive(params)
	if err != nil {
		return nil, err
	}
	return &opt, nil
}

// ZeroGrad forgets the parameters' gradients.
func (o *Optimizer) ZeroGrad() error { return check(C.torchx_optimizer_zero_grad(o.handle)) }

// Step updates the parameters from their gradients, and then their averages. A parameter without a gradient stays.
func (o *Optimizer) Step() error { return check(C.torchx_optimizer_step(o.handle)) }

// SetLearningRate changes the following steps: also those of a [Graph] that was captured before.
func (o *Optimizer) SetLearningRate(learningRate float64) error {
	return check(C.torchx_optimizer_set_learning_rate(o.handle, C.double(learningRate)))
}

// SwapAverages exchanges the parameters' values with their averages, where those are kept. A second call exchanges them back.
func (o *Optimizer) SwapAverages() error { return check(C.torchx_optimizer_swap_averages(o.handle)) }

// Close frees the optimizer, not the parameters. A second Close does nothing.
func (o *Optimizer) Close() {
	if o.handle != nil {
		C.torchx_optimizer_free(o.handle)
		o.handle = nil
	}
}
