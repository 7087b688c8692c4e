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

// CrossEntropy returns the softmax cross-entropy, the mean over the batch, of logits [N, classes] float32 and labels [N] uint8, by libtorch's
// own operator: a tensor of one element that s owns. With label smoothing, 0 to 1, that much of the target is spread evenly over the
// classes.
//
// Like gotorch's functions it panics with the text of an exception, which [Do] returns as an error.
func CrossEntropy(s *Scope, logits, labels torch.Tensor, labelSmoothing float64) torch.Tensor {
	var loss unsafe.Pointer
	must(check(C.torchx_cross_entropy(*logits.T, *labels.T, C.double(labelSmoothing), &loss)))
	return s.own(loss)
}

// NoGrad runs f without recording operations for [Backward], as evaluation wants it.
func NoGrad(f func() error) error {
	runtime.LockOSThread() // the setting belongs to the thread
	defer runtime.UnlockOSThread()
	before := C.torchx_set_grad_enabled(false)
	defer C.torchx_set_grad_enabled(before)
	return f()
}
