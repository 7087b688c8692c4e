package torchx

// #include "torchx.h"
import "C"

import (
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// Backward adds to every parameter's gradient the gradient of loss, a tensor of one element, with respect to it. Unlike
// gotorch's, it returns libtorch's exceptions instead of ending the process.
func Backward(loss torch.Tensor) error {
	err := check(C.torchx_backward(unsafe.Pointer(*loss.T)))
	runtime.KeepAlive(loss.T)
	return err
}

// NoGrad runs f without recording operations for [Backward], as evaluation wants it.
func NoGrad(f func() error) error {
	runtime.LockOSThread() // the setting belongs to the thread
	defer runtime.UnlockOSThread()
	before := C.torchx_set_grad_enabled(false)
	defer C.torchx_set_grad_enabled(before)
	return f()
}

// An Optimizer updates parameters from their gradients. It is libtorch's own; gotorch's, around the same, ends the process on
// an exception and is freed twice.
type Optimizer struct {
	handle unsafe.Pointer
}

// SGD returns plain stochastic gradient descent over params: each [Optimizer.Step] subtracts learningRate times its gradient
// from every parameter.
func SGD(params []torch.Tensor, learningRate float64) (*Optimizer, error) {
	handles := make([]unsafe.Pointer, len(params))
	for i, p := range params {
		handles[i] = *p.T
	}
	var o Optimizer
	err := check(C.torchx_optimizer_sgd(unsafe.SliceData(handles), C.size_t(len(handles)), C.double(learningRate), &o.handle))
	runtime.KeepAlive(params)
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// ZeroGrad forgets the parameters' gradients.
func (o *Optimizer) ZeroGrad() error { return check(C.torchx_optimizer_zero_grad(o.handle)) }

// Step updates the parameters from their gradients. A parameter without a gradient stays.
func (o *Optimizer) Step() error { return check(C.torchx_optimizer_step(o.handle)) }

// Close frees the optimizer, not the parameters. A second Close does nothing.
func (o *Optimizer) Close() {
	if o.handle != nil {
		C.torchx_optimizer_free(o.handle)
		o.handle = nil
	}
}
