package torchx

// #include "torchx.h"
import "C"

import (
	"runtime"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// A Scope owns tensors and frees them together when the program says so. The zero Scope is empty and ready to use.
//
// gotorch leaves a tensor to a finalizer, which runs late, and may run while C++ still uses the tensor. So every tensor that
// gotorch makes is handed to a scope at once:
//
//	x = s.Own(x.Sigmoid())
//
// and from then on lives exactly until Close. A Scope is not for concurrent use.
type Scope struct {
	handles []*unsafe.Pointer // as gotorch has them: where a Tensor keeps its at::Tensor*
	tensors []unsafe.Pointer  // the at::Tensor*s, for one call of C
	pinner  runtime.Pinner    // of Go memory that the tensors share
}

// Own takes t over from gotorch's finalizer and returns it.
func (s *Scope) Own(t torch.Tensor) torch.Tensor {
	runtime.SetFinalizer(t.T, nil)
	s.handles = append(s.handles, t.T)
	s.tensors = append(s.tensors, *t.T)
	return t
}

// own takes over an at::Tensor* that C++ returned.
func (s *Scope) own(handle unsafe.Pointer) torch.Tensor {
	t := torch.Tensor{T: &handle}
	s.handles = append(s.handles, t.T)
	s.tensors = append(s.tensors, handle)
	return t
}

// Close frees the tensors that the scope owns. Their handles become nil: a later use is a crash at once, not a read of
// freed memory. The scope is empty afterwards and can be used again.
func (s *Scope) Close() {
	s.pinner.Unpin()
	if len(s.handles) == 0 {
		return
	}
	C.torchx_free_tensors(&s.tensors[0], C.size_t(len(s.tensors)))
	for _, h := range s.handles {
		*h = nil
	}
	clear(s.handles)
	s.handles, s.tensors = s.handles[:0], s.tensors[:0]
}

// Do runs f with a fresh scope on one OS thread, then frees what the scope owns. It returns f's error, or an [Error] if
// gotorch panicked inside f.
//
// The thread matters: libtorch keeps a pool of threads, and whether gradients are recorded, for each thread that calls it.
func Do(f func(*Scope) error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var s Scope
	defer s.Close()
	defer recovered(&err)
	return f(&s)
}
