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

// NewBytes returns an uninitialized uint8 tensor of n elements on a device, "cpu" or "cuda:N". s owns it.
func NewBytes(s *Scope, device string, n int) (torch.Tensor, error) {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	var handle unsafe.Pointer
	if err := check(C.torchx_new_bytes(name, C.int64_t(n), &handle)); err != nil {
		return torch.Tensor{}, err
	}
	return s.own(handle), nil
}

// NewIndices returns an uninitialized int32 tensor of n elements on a device, "cpu" or "cuda:N". s owns it.
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

// View returns elements of t, which is contiguous, as a tensor of the given shape, beginning at element first. It shares t's memory; s owns
// it.
func View(s *Scope, t torch.Tensor, first int, shape ...int64) (torch.Tensor, error) {
	var handle unsafe.Pointer
	if err := check(C.torchx_view(*t.T, C.int64_t(first), (*C.int64_t)(&shape[0]), C.size_t(len(shape)), &handle)); err != nil {
		return torch.Tensor{}, err
	}
	return s.own(handle), nil
}

// Select copies rows of t to all rows of `to`: those whose numbers stand in rows, an int32 tensor, from its element first on. All three
// are on one device.
func Select(to, t, rows torch.Tensor, first int) error {
	return check(C.torchx_select(*t.T, *rows.T, C.int64_t(first), *to.T))
}
