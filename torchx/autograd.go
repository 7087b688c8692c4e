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
