package torchx

// #include "torchx.h"
import "C"

import (
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// A Ring is a set of buffers in pinned host memory, from which a CUDA device copies while it computes; see cc/cuda/ring.h.
type Ring struct {
	handle unsafe.Pointer
	len    int
	size   int
}

// NewRing returns a ring of n buffers of size bytes, for the device of the calling thread ([UseCUDA]).
func NewRing(n, size int) (*Ring, error) {
	r := &Ring{len: n, size: size}
	if err := check(C.torchx_ring(C.size_t(n), C.size_t(size), &r.handle)); err != nil {
		return nil, err
	}
	return r, nil
}

// Len returns the number of buffers.
func (r *Ring) Len() int { return r.len }

// Buffer returns the memory of buffer i.
func (r *Ring) Buffer(i int) []uint8 {
	return unsafe.Slice((*uint8)(C.torchx_ring_buffer(r.handle, C.size_t(i))), r.size)
}

// Send queues a copy of buffer i to a uint8 tensor of as many bytes on the device, behind the work that the calling thread has queued there.
// It returns at once; the buffer may be filled again after [Ring.Wait].
func (r *Ring) Send(i int, to torch.Tensor) error {
	return check(C.torchx_ring_send(r.handle, C.size_t(i), *to.T))
}

// Wait returns when the device has copied buffer i. It may be called on any goroutine.
func (r *Ring) Wait(i int) error { return check(C.torchx_ring_wait(r.handle, C.size_t(i))) }

// Close waits for the copies and frees the buffers. A second Close does nothing.
func (r *Ring) Close() {
	if r.handle != nil {
		C.torchx_ring_free(r.handle)
		r.handle = nil
	}
}
