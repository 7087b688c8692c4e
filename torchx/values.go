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

// Bytes returns a uint8 tensor of the given shape, which s owns, with a copy of values. The shape's product is len(values),
// which is not 0.
func Bytes(s *Scope, values []uint8, shape ...int64) torch.Tensor {
	return s.Own(torch.FromBlob(unsafe.Pointer(unsafe.SliceData(values)), torch.Byte, shape))
}
