package torchx

// #include <stdlib.h>
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

// NewBytes returns a uint8 tensor of n elements, which are not set, on a device, "cpu" or "cuda:N". s owns it.
func NewBytes(s *Scope, device string, n int) (torch.Tensor, error) {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	var handle unsafe.Pointer
	if err := check(C.torchx_new_bytes(name, C.int64_t(n), &handle)); err != nil {
		return torch.Tensor{}, err
	}
	return s.own(handle), nil
}

// NewIndices returns an int32 tensor of n elements, which are not set, on a device, "cpu" or "cuda:N". s owns it.
func NewIndices(s *Scope, device string, n int) (torch.Tensor, error) {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	var handle unsafe.Pointer
	if err := check(C.torchx_new_ints(name, C.int64_t(n), &handle)); err != nil {
		return torch.Tensor{}, err
	}
	return s.own(handle), nil
}

// WriteIndices copies values, each below 1<<31, to t, an int32 tensor of len(values) elements on any device.
func WriteIndices(t torch.Tensor, values []uint32) error {
	return check(C.torchx_write_int32(*t.T, (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(values))), C.int64_t(len(values))))
}

// View returns the elements of t, which is contiguous, from first on as a tensor of the given shape. It shares t's memory; s owns it.
func View(s *Scope, t torch.Tensor, first int, shape ...int64) (torch.Tensor, error) {
	var handle unsafe.Pointer
	if err := check(C.torchx_view(*t.T, C.int64_t(first), (*C.int64_t)(&shape[0]), C.size_t(len(shape)), &handle)); err != nil {
		return torch.Tensor{}, err
	}
	return s.own(handle), nil
}

// Select copies to `to` as many rows of t as it has: those that rows, an int32 tensor, names from first on. All are on one device.
func Select(to, t, rows torch.Tensor, first int) error {
	return check(C.torchx_select(*t.T, *rows.T, C.int64_t(first), *to.T))
}

// Totals add up, over batches, what an epoch reports. They are on a device, and nothing waits for it until they are read.
type Totals struct{ handle unsafe.Pointer }

// NewTotals returns totals of no batches on a device, "cpu" or "cuda:N".
func NewTotals(device string) (*Totals, error) {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	var t Totals
	if err := check(C.torchx_totals(name, &t.handle)); err != nil {
		return nil, err
	}
	return &t, nil
}

// Add adds a batch: its mean loss; and how many rows of logits, [N, classes] float32, have their largest value at the label, [N]
// uint8.
func (t *Totals) Add(loss, logits, labels torch.Tensor) error {
	return check(C.torchx_add_totals(t.handle, *loss.T, *logits.T, *labels.T))
}

// Sums are what totals amount to.
type Sums struct {
	Images         int
	Loss, Accuracy float64 // means over images; accuracy is 0 to 1
}

// Read returns the sums until now, after what the device has yet to do.
func (t *Totals) Read() (Sums, error) {
	var values [3]C.double
	if err := check(C.torchx_read_totals(t.handle, &values[0])); err != nil {
		return Sums{}, err
	}
	loss, correct, images := float64(values[0]), float64(values[1]), float64(values[2])
	return Sums{Images: int(images), Loss: loss / images, Accuracy: correct / images}, nil
}

// Reset makes the totals those of no batches.
func (t *Totals) Reset() error { return check(C.torchx_reset_totals(t.handle)) }

// Close frees the totals. A second Close does nothing.
func (t *Totals) Close() {
	if t.handle != nil {
		C.torchx_free_tensors(&t.handle, 1)
		t.handle = nil
	}
}
