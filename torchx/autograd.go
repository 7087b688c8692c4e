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

// An SGD optimizer updates parameters by plain stochastic gradient descent, all in one pass. gotorch's ends the process on an
// exception and is freed twice.
type SGD struct {
	handle unsafe.Pointer
}

// NewSGD returns an optimizer of params: each [SGD.Step] subtracts learningRate times its gradient from every one.
func NewSGD(params []torch.Tensor, learningRate float64) (*SGD, error) {
	handles := make([]unsafe.Pointer, len(params))
	for i, p := range params {
		handles[i] = *p.T
	}
	var o SGD
	err := check(C.torchx_sgd(unsafe.SliceData(handles), C.size_t(len(handles)), C.double(learningRate), &o.handle))
	runtime.KeepAlive(params)
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// ZeroGrad forgets the parameters' gradients.
func (o *SGD) ZeroGrad() error { return check(C.torchx_sgd_zero_grad(o.handle)) }

// Step updates the parameters from their gradients. A parameter without a gradient stays.
func (o *SGD) Step() error { return check(C.torchx_sgd_step(o.handle)) }

// SetLearningRate changes what the following steps multiply gradients by: also the steps of a [Graph] that was captured before.
func (o *SGD) SetLearningRate(learningRate float64) error {
	return check(C.torchx_sgd_set_learning_rate(o.handle, C.double(learningRate)))
}

// Close frees the optimizer, not the parameters. A second Close does nothing.
func (o *SGD) Close() {
	if o.handle != nil {
		C.torchx_sgd_free(o.handle)
		o.handle = nil
	}
}
