package torchx

// #include "torchx.h"
import "C"

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// An Activation is applied to each value of a layer's output. The zero Activation is none of them, and an error wherever it is used.
type Activation struct {
	Name string

	// Monotone: it never falls, so that the largest of some values stays the largest.
	Monotone bool

	// SlopeFromOutput: its derivative follows from what it yields, so that what it was applied to need not be kept.
	SlopeFromOutput bool

	number int // of cc/activation.h; 0: none
}

// registry is that of cc/activation.cc, with None first.
var registry = func() []Activation {
	var first *C.torchx_activation
	n := C.torchx_activations(&first)
	all := make([]Activation, n)
	for i, a := range unsafe.Slice(first, n) {
		all[i] = Activation{C.GoString(a.name), bool(a.monotone), bool(a.slope_from_output), int(a.number)}
	}
	return all
}()

// None leaves values as they are: for tests.
var None = registry[0]

// Activations returns all activations but [None], always in the same order.
func Activations() []Activation { return slices.Clone(registry[1:]) }

// LookupActivation returns the activation of this name, one of [Activations].
func LookupActivation(name string) (Activation, error) {
	var names []string
	for _, f := range registry[1:] {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Activation{}, fmt.Errorf("torchx: there is no activation %q: the activations are %s", name, strings.Join(names, ", "))
}

// Fused says whether a [Network] may have f: its kernels apply it.
func (f Activation) Fused() bool { return f.Monotone && f.SlopeFromOutput }

// Apply returns f of each value of x, by libtorch's own operator. s owns the result.
//
// Like gotorch's functions it panics with the text of an exception, which [Do] returns as an error.
func (f Activation) Apply(s *Scope, x torch.Tensor) torch.Tensor {
	var y unsafe.Pointer
	must(check(C.torchx_activate(*x.T, C.int(f.number), &y)))
	return s.own(y)
}
