// Package torchx is the boundary to libtorch: what [github.com/wangkuiyi/gotorch] lacks to be used safely in a long loop.
//
// A network is written with gotorch's functions. torchx adds who owns the tensors ([Scope], [Do]), errors in place of
// panics and aborts, Backward and an optimizer that report them, copies between tensors and Go slices, and libtorch's
// process-wide settings. It is the only package of this module with C in it; its C++ is in cc/.
package torchx

// #cgo LDFLAGS: -ltorchx
// #include "torchx.h"
import "C"
