package torchx

// #include <stdlib.h>
// #include "torchx.h"
import "C"

import (
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// ConvPool returns max_pool2d(conv2d(x, weight, bias), 2), [N, out, (rows-4)/2, (cols-4)/2], for x [N, in, rows, cols], weight
// [out, in, 5, 5] and bias [out]. x is float32, or uint8 that stands for x/255. s owns the result.
//
// It never stores what the convolution yields, and so is some ten times faster than the two operators; see cc/conv_pool_kernels.cc.
// Where its kernels do not apply, it is those two operators. Like gotorch's functions it panics with the text of an exception, which
// [Do] returns as an error.
func ConvPool(s *Scope, x, weight, bias torch.Tensor) torch.Tensor {
	return convPool(s, x, weight, bias, false)
}

// ConvPoolSigmoid returns the sigmoid of what [ConvPool] returns.
func ConvPoolSigmoid(s *Scope, x, weight, bias torch.Tensor) torch.Tensor {
	return convPool(s, x, weight, bias, true)
}

func convPool(s *Scope, x, weight, bias torch.Tensor, sigmoid bool) torch.Tensor {
	var handle unsafe.Pointer
	must(check(C.torchx_conv_pool(*x.T, *weight.T, *bias.T, C.bool(sigmoid), &handle)))
	return s.own(handle)
}

// useConvPoolKernels makes ConvPool use the kernels for the vector instructions that libtorch calls by this name, DEFAULT, AVX2 or
// AVX512, or with an empty name those that suit this processor.
func useConvPoolKernels(name string) error {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return check(C.torchx_conv_pool_use(text))
}
