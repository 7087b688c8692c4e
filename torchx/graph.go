package torchx

// #include "torchx.h"
import "C"

import (
	"errors"
	"unsafe"
)

// A Graph is recorded work of a CUDA device, which one command replays: libtorch's CUDAGraph.
type Graph struct{ handle unsafe.Pointer }

// Capture records what f asks of the device, without executing it. The memory that f reads and writes must stay where it is for as long as
// the graph is used; memory that f allocates and frees belongs to the graph. f may not wait for the device. The calling goroutine must be
// locked to its thread, on which [UseCUDA] was called. Captures on several threads come one after the other.
func Capture(f func() error) (*Graph, error) {
	var g Graph
	if err := check(C.torchx_graph_begin(&g.handle)); err != nil {
		return nil, err
	}
	if err := errors.Join(f(), check(C.torchx_graph_end(g.handle))); err != nil {
		g.Close()
		return nil, err
	}
	return &g, nil
}

// Replay starts the recorded work and does not wait for it.
func (g *Graph) Replay() error { return check(C.torchx_graph_replay(g.handle)) }

// Close frees the graph. A second Close does nothing.
func (g *Graph) Close() {
	if g.handle != nil {
		C.torchx_graph_free(g.handle)
		g.handle = nil
	}
}
