package torchx

// #include <stdlib.h>
// #include "torchx.h"
import "C"

import (
	"errors"
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// A Batch is images [M, 1, rows, cols] uint8, which stand for x/255, and their labels [M] uint8; or, with an Order, those of these indices.
type Batch struct {
	Images, Labels torch.Tensor
	Order          []uint32 // indices, each below M; nil: all, as they stand
}

// Len returns the number of images.
func (b Batch) Len() int {
	if b.Order != nil {
		return len(b.Order)
	}
	return int(b.Labels.Shape()[0])
}

// Gathered returns the images and labels of a batch, in its order. s owns what it makes.
//
// Like gotorch's functions it panics with the text of an exception, which [Do] returns as an error.
func (b Batch) Gathered(s *Scope) (images, labels torch.Tensor) {
	if b.Order == nil {
		return b.Images, b.Labels
	}
	var i, l unsafe.Pointer
	order, n := b.order()
	must(check(C.torchx_gather(*b.Images.T, order, n, &i)))
	images = s.own(i)
	must(check(C.torchx_gather(*b.Labels.T, order, n, &l)))
	return images, s.own(l)
}

func (b Batch) order() (*C.int32_t, C.int64_t) {
	return (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(b.Order))), C.int64_t(len(b.Order))
}

// A Network is LeNet as one operator: both convolutions and all linear layers, forward and back, without autograd. See cc/network.h.
//
// Its parameters belong to others, and their values may change between two calls.
type Network struct{ handle unsafe.Pointer }

// ErrNoKernels says that there are no kernels for a network: libtorch's own operators compute it.
var ErrNoKernels = errors.New("torchx: there are no kernels for this network")

// NewNetwork returns the network of these parameters: weight [out, in, 5, 5] and bias [out] of two convolutions, then weight [out, in] and
// bias [out] of three linear layers, on one device. f comes after each layer but the last; after a convolution, before its 2x2 max-pool.
//
// Errors: [ErrNoKernels], as with an f that is not [Activation.Fused].
func NewNetwork(rows, cols int, f Activation, params []torch.Tensor) (*Network, error) {
	handles := make([]unsafe.Pointer, len(params))
	for i, p := range params {
		handles[i] = *p.T
	}
	var n Network
	err := check(C.torchx_network(C.int64_t(rows), C.int64_t(cols), C.int(f.number), unsafe.SliceData(handles), C.size_t(len(handles)), &n.handle))
	if err == nil && n.handle == nil {
		err = ErrNoKernels
	}
	if err != nil {
		return nil, err
	}
	return &n, nil
}

// Logits returns the logits, [N, classes], of images [N, 1, rows, cols] uint8. s owns them.
//
// Like gotorch's functions it panics with the text of an exception, which [Do] returns as an error.
func (n *Network) Logits(s *Scope, images torch.Tensor) torch.Tensor {
	var logits unsafe.Pointer
	must(check(C.torchx_network_logits(n.handle, *images.T, &logits)))
	return s.own(logits)
}

// Evaluate adds the softmax cross-entropy and the right answers of a batch to total.
func (n *Network) Evaluate(b Batch, total *Accumulator) error {
	order, size := b.order()
	err := check(C.torchx_network_evaluate(n.handle, *b.Images.T, *b.Labels.T, order, size, total.handle))
	runtime.KeepAlive(b)
	return err
}

// Differentiate is Evaluate, and sets the parameters' gradients to those of the loss's mean over the batch. With label smoothing, 0 to 1,
// that much of the target is spread evenly over the classes. On the CPU, a loss that is not finite leaves the gradients as they were.
func (n *Network) Differentiate(b Batch, labelSmoothing float64, total *Accumulator) error {
	order, size := b.order()
	err := check(C.torchx_network_differentiate(n.handle, *b.Images.T, *b.Labels.T, order, size, C.double(labelSmoothing), total.handle))
	runtime.KeepAlive(b)
	return err
}

// Close frees the network, its memory and its threads. A second Close does nothing.
func (n *Network) Close() {
	if n.handle != nil {
		C.torchx_network_free(n.handle)
		n.handle = nil
	}
}

// UseKernels is for tests. It chooses the kernels, on the CPU, of the networks that are made from now on: those for the vector instructions that
// libtorch calls by this name, DEFAULT, AVX2 or AVX512; for CUDA the GPU's kernels, emulated, also for [Augment]; and for an empty name those that
// suit this processor.
func UseKernels(name string) error {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return check(C.torchx_use_kernels(text))
}
