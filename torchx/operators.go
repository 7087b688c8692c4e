package torchx

// #include <stdlib.h>
// #include "torchx.h"
import "C"

import (
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// A Layer is the parameters of a convolution, weight [out, in, 5, 5], or of a linear layer, weight [out, in]; and bias [out].
type Layer struct{ Weight, Bias torch.Tensor }

// ConvPool returns max_pool2d(f(conv2d(x, weight, bias)), 2) of x [N, in, rows, cols], which is float32, or uint8 that stands for x/255:
// [N, out, (rows-4)/2, (cols-4)/2]. Of several layers, each takes what the one before yields. s owns the result.
//
// It never stores what a convolution yields, and so is some ten times faster than the operators one by one; see cc/conv_pool_kernels.cc.
// Where its kernels do not apply, as with an f that is not [Activation.Fused], it is those operators. Like gotorch's functions it panics
// with the text of an exception, which [Do] returns as an error; so do all in this file.
func ConvPool(s *Scope, x torch.Tensor, f Activation, layers ...Layer) torch.Tensor {
	var y unsafe.Pointer
	l := handles(layers)
	must(check(C.torchx_conv_pool(*x.T, unsafe.SliceData(l), C.size_t(len(l)), C.int(f.number), &y)))
	return s.own(y)
}

// Linear returns x·weightᵀ + bias of x [N, in] float32: [N, out]. Of several layers, each takes f of what the one before yields. s owns
// the result. Threads wait for each other once for all layers, not once for each; see cc/linear.cc.
func Linear(s *Scope, x torch.Tensor, f Activation, layers ...Layer) torch.Tensor {
	var y unsafe.Pointer
	l := handles(layers)
	must(check(C.torchx_linear(*x.T, unsafe.SliceData(l), C.size_t(len(l)), C.int(f.number), &y)))
	return s.own(y)
}

// CrossEntropy returns the softmax cross-entropy, the mean over the batch, of logits [N, classes] float32 and labels [N] uint8: a
// tensor of one element that s owns. With label smoothing, 0 to 1, that much of the target is spread evenly over the classes.
func CrossEntropy(s *Scope, logits, labels torch.Tensor, labelSmoothing float64) torch.Tensor {
	var loss unsafe.Pointer
	must(check(C.torchx_cross_entropy(*logits.T, *labels.T, C.double(labelSmoothing), &loss)))
	return s.own(loss)
}

func handles(layers []Layer) []C.torchx_layer {
	h := make([]C.torchx_layer, len(layers))
	for i, l := range layers {
		h[i] = C.torchx_layer{weight: *l.Weight.T, bias: *l.Bias.T}
	}
	return h
}

// useKernels makes the operators use, on the CPU, the kernels for the vector instructions that libtorch calls by this name, DEFAULT,
// AVX2 or AVX512; for CUDA the GPU's kernels, emulated; and for an empty name those that suit this processor.
func useKernels(name string) error {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return check(C.torchx_use_kernels(text))
}
