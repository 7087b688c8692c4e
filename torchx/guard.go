package torchx

// #include "torchx.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// A Guard watches files that are mapped into memory. Where such a file becomes shorter, the system has no more pages of it, and a read would end the
// process with SIGBUS, on whichever thread, in Go or in C++. Under a guard the read yields zeros, and Err says so. A nil Guard watches nothing.
type Guard struct {
	paths   []string
	handles []unsafe.Pointer // the C++ guards, which last as long as the process
}

// A LostError says that a file became shorter, or could no longer be read, while it was mapped into memory.
type LostError struct{ Path string }

func (e *LostError) Error() string {
	return fmt.Sprintf("torchx: %s became shorter, or unreadable, while it was in use", e.Path)
}

// Add watches a file that is mapped to memory until the process ends.
func (g *Guard) Add(path string, memory []byte) error {
	var handle unsafe.Pointer
	if err := check(C.torchx_guard(unsafe.Pointer(unsafe.SliceData(memory)), C.size_t(len(memory)), &handle)); err != nil {
		return err
	}
	g.paths, g.handles = append(g.paths, path), append(g.handles, handle)
	return nil
}

// Err returns a [LostError] if any of the files was read beyond its new end. What was computed since the last call that returned nil may be wrong.
func (g *Guard) Err() error {
	if g == nil {
		return nil
	}
	for i, handle := range g.handles {
		if C.torchx_lost(handle) {
			return &LostError{g.paths[i]}
		}
	}
	return nil
}
