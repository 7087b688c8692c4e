package torchx

// #include "torchx.h"
import "C"

import "runtime/debug"

// ManualSeed seeds libtorch's random generators on every device.
func ManualSeed(seed uint64) error { return check(C.torchx_manual_seed(C.uint64_t(seed))) }

// SetNumThreads sets how many CPU threads one libtorch operation uses, at least 1. It may exceed the number of cores.
//
// Part of the setting holds for the calling OS thread alone (MKL's, on which the last bits of a result depend): a goroutine
// that computes after this call locks itself to its thread before it.
func SetNumThreads(n int) error { return check(C.torchx_set_num_threads(C.int(n))) }

// NumThreads returns how many CPU threads one libtorch operation uses.
func NumThreads() int { return int(C.torchx_num_threads()) }

// CPUCapability returns the widest vector instructions for which libtorch has kernels on this CPU: "AVX512", "AVX2", "DEFAULT".
func CPUCapability() string { return C.GoString(C.torchx_cpu_capability()) }

// LibtorchVersion returns the version of libtorch that this program was compiled against, such as "2.11.0".
func LibtorchVersion() string { return C.GoString(C.torchx_libtorch_version()) }

// GotorchVersion returns the version of the gotorch module in this program.
func GotorchVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/wangkuiyi/gotorch" {
				return dep.Version
			}
		}
	}
	return "unknown"
}
