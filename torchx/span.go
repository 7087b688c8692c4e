package torchx

// #include "torchx.h"
import "C"

import (
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// A Span is consecutive batches of an epoch on a CUDA device: Len images from First on, BatchSize in each batch, the last one perhaps smaller. They are
// in the order of Order, [n] int32, indices into the samples, which are not checked; or of the samples themselves where it is the zero Tensor.
type Span struct {
	Samples
	Order                 torch.Tensor
	First, Len, BatchSize int
}

// Batches returns the number of batches.
func (s *Span) Batches() int { return (s.Len + s.BatchSize - 1) / s.BatchSize }

func (s *Span) c() *C.torchx_span {
	c := &C.torchx_span{images: *s.Images.T, labels: *s.Labels.T, first: C.int64_t(s.First), n: C.int64_t(s.Len), batch_size: C.int64_t(s.BatchSize)}
	if s.Order.T != nil {
		c.order = *s.Order.T
	}
	return c
}

// EvaluateSpan is Evaluate for a span, on a GPU.
func (n *Network) EvaluateSpan(s *Span, total *Accumulator) error {
	return check(C.torchx_network_evaluate_span(n.handle, s.c(), total.handle))
}

// Trains says whether Train can work with an optimizer, which must be that of the network's parameters: on a GPU, if there is a kernel for its update.
func (n *Network) Trains(opt *Optimizer) (bool, error) {
	var trains C.bool
	err := check(C.torchx_network_trains(n.handle, opt.handle, &trains))
	return bool(trains), err
}

// Train is Differentiate and the optimizer's Step for each batch of a span, with one of the learning rates each, as one command to the GPU. It does not
// wait for the GPU, and updates the parameters whatever the loss is. The parameters' gradients stay as they were.
func (n *Network) Train(s *Span, opt *Optimizer, learningRates []float32, labelSmoothing float64, total *Accumulator) error {
	if len(learningRates) != s.Batches() {
		panic("torchx: not one learning rate for each batch")
	}
	rates := (*C.float)(unsafe.Pointer(unsafe.SliceData(learningRates)))
	err := check(C.torchx_network_train(n.handle, s.c(), opt.handle, rates, C.double(labelSmoothing), total.handle))
	runtime.KeepAlive(learningRates)
	return err
}
