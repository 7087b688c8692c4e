package torchx

// #include "torchx.h"
import "C"

import (
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// Read copies t, a float32 tensor of len(values) elements on any device, to values in row-major order.
func Read(values []float32, t torch.Tensor) error {
	err := check(C.torchx_read_float32(unsafe.Pointer(*t.T), (*C.float)(unsafe.SliceData(values)), C.int64_t(len(values))))
	runtime.KeepAlive(t.T)
	return err
}

// Write copies values to t, a float32 tensor of len(values) elements on any device, in row-major order.
func Write(t torch.Tensor, values []float32) error {
	err := check(C.torchx_write_float32(unsafe.Pointer(*t.T), (*C.float)(unsafe.SliceData(values)), C.int64_t(len(values))))
	runtime.KeepAlive(t.T)
	return err
}

// Bytes returns a uint8 tensor of the given shape that shares the memory of values: they may not change before s is closed.
// The shape's product is len(values), which is not 0.
//
// Like gotorch's functions it panics with the text of an exception, which [Do] returns as an error.
func Bytes(s *Scope, values []uint8, shape ...int64) torch.Tensor {
	first := unsafe.SliceData(values)
	s.pinner.Pin(first)
	var handle unsafe.Pointer
	must(check(C.torchx_view_bytes((*C.uint8_t)(first), (*C.int64_t)(&shape[0]), C.size_t(len(shape)), &handle)))
	return s.own(handle)
}

// Totals add up, over batches, what an epoch reports. The zero Totals are of no batches.
type Totals struct{ sums C.torchx_totals }

// Add adds a batch: its mean loss; and how many rows of logits, [N, classes] float32, have their largest value at the label, [N]
// uint8.
func (t *Totals) Add(loss, logits, labels torch.Tensor) error {
	return check(C.torchx_add_totals(&t.sums, *loss.T, *logits.T, *labels.T))
}

// Images returns the number of images.
func (t *Totals) Images() int { return int(t.sums.images) }

// Mean returns the mean loss and the accuracy, 0 to 1, over images.
func (t *Totals) Mean() (loss, accuracy float64) {
	n := float64(t.sums.images)
	return float64(t.sums.loss) / n, float64(t.sums.correct) / n
}
