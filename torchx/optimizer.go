package torchx

// #include <stdlib.h>
// #include "torchx.h"
import "C"

import (
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// OptimizerOptions are an optimizer's settings, by PyTorch's names and with its meaning.
type OptimizerOptions struct {
	Kind         string // one of [OptimizerNames]
	LearningRate float64
	WeightDecay  float64
	Momentum     float64 // of sgd
	Nesterov     bool    // of sgd, with momentum
	Betas        [2]float64
	Average      float64 // how much of its moving average a parameter keeps at a step, 0 to 1; 0 keeps no averages
}

// epsilon is Adam's, PyTorch's default.
const epsilon = 1e-8

// OptimizerNames returns the names of the optimizers that there are: those of cc/optimizer.cc, in its order.
func OptimizerNames() []string {
	var first **C.char
	n := C.torchx_optimizer_names(&first)
	names := make([]string, n)
	for i, name := range unsafe.Slice(first, n) {
		names[i] = C.GoString(name)
	}
	return names
}

// An Optimizer updates parameters in one pass over them all. gotorch's ends the process on an exception and is freed twice.
type Optimizer struct {
	handle unsafe.Pointer
}

// NewOptimizer returns an optimizer of params, which are on one device. An unknown Kind is an error that names those that there are.
func NewOptimizer(params []torch.Tensor, o OptimizerOptions) (*Optimizer, error) {
	handles := make([]unsafe.Pointer, len(params))
	for i, p := range params {
		handles[i] = *p.T
	}
	name := C.CString(o.Kind)
	defer C.free(unsafe.Pointer(name))
	settings := C.torchx_optimizer_settings{
		name: name, learning_rate: C.double(o.LearningRate), weight_decay: C.double(o.WeightDecay),
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

// A StateTensor is what an optimizer remembers of one parameter. It is float32, and can be read with [Read] and set with [Write].
type StateTensor struct {
	Name   string       // "momentum", "square", "step" (a single number), "average"
	Param  int          // index of the parameter
	Tensor torch.Tensor // belongs to the optimizer, and is valid until its Close
}

// State returns all that a step changes beside the parameters. The same options and number of parameters give the same names in the same
// order. With another optimizer's parameters, state and learning rate, an optimizer continues where that one stopped, to the bit.
//
// After SwapAverages, the state "average" holds the parameters' values, until they are swapped back.
func (o *Optimizer) State() []StateTensor {
	var first *C.torchx_optimizer_state
	n := C.torchx_optimizer_states(o.handle, &first)
	states := make([]StateTensor, n)
	for i, s := range unsafe.Slice(first, n) {
		handle := s.tensor
		states[i] = StateTensor{C.GoString(s.name), int(s.param), torch.Tensor{T: &handle}}
	}
	return states
}

// ZeroGrad removes the parameters' gradients.
func (o *Optimizer) ZeroGrad() error { return check(C.torchx_optimizer_zero_grad(o.handle)) }

// Step updates the parameters from their gradients, and then their averages. A parameter without a gradient stays as it is.
func (o *Optimizer) Step() error { return check(C.torchx_optimizer_step(o.handle)) }

// SetLearningRate holds for all following steps, also for those of a [Graph] that was captured before.
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
