// Package torchx is the boundary to libtorch: what [github.com/wangkuiyi/gotorch] lacks to be used safely in a long loop.
//
// It adds: owners of tensors ([Scope], [Do]), errors in place of panics and aborts, LeNet as one operator ([Network]), the registry of
// activations, optimizers, augmentation on a GPU ([Augment]), copies between tensors and Go slices, CUDA devices, a guard of mapped files ([Guard]), and libtorch's process-wide settings. It is the only package of this
// module with C in it; its C++ is in cc/.
package torchx

// #cgo LDFLAGS: -ltorchx
// #include "torchx.h"
import "C"
