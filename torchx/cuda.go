package torchx

// #include <stdlib.h>
// #include "torchx.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// A CUDADevice is an NVIDIA GPU.
type CUDADevice struct {
	Name         string
	Memory       int64 // bytes
	Major, Minor int   // compute capability
}

// The oldest GPUs that libtorch and our kernels have machine code for, Turing: compute capability 7.5. libtorch.mk names the same in GPUS.
const oldestMajor, oldestMinor = 7, 5

// Check returns an error if the GPU is too old. Drivers also list those.
func (d CUDADevice) Check() error {
	if d.Major > oldestMajor || d.Major == oldestMajor && d.Minor >= oldestMinor {
		return nil
	}
	return fmt.Errorf("%v, is too old; lenet needs a GPU of compute capability %d.%d or later", d, oldestMajor, oldestMinor)
}

func (d CUDADevice) String() string {
	return fmt.Sprintf("%s, %.0f GiB, compute capability %d.%d", d.Name, float64(d.Memory)/(1<<30), d.Major, d.Minor)
}

// CUDADevices returns the GPUs, in CUDA's order: none where the driver shows none. Some may be too old: [CUDADevice.Check]. It loads CUDA's half of libtorch, and so comes before anything else that asks libtorch
// about CUDA. Its error says in one line what is missing (a driver, CUDA's libraries) and, after a semicolon, what to do.
func CUDADevices() ([]CUDADevice, error) {
	var n C.int
	if err := checkCUDA(C.torchx_cuda_device_count(&n)); err != nil {
		return nil, err
	}
	devices := make([]CUDADevice, n)
	for i := range devices {
		var d C.torchx_cuda_device
		if err := checkCUDA(C.torchx_cuda_device_at(C.int(i), &d)); err != nil {
			return nil, err
		}
		devices[i] = CUDADevice{Name: C.GoString(&d.name[0]), Memory: int64(d.memory_bytes), Major: int(d.major), Minor: int(d.minor)}
	}
	return devices, nil
}

// CUDAVersions returns the CUDA that this program was built for and the newest one that the NVIDIA driver supports, such as "13.0"; the
// driver's is empty without one. In a program that was built without CUDA, it returns the error of [CUDADevices].
func CUDAVersions() (built, driver string, err error) {
	var versions [2]C.int
	if err := checkCUDA(C.torchx_cuda_versions(&versions[0], &versions[1])); err != nil {
		return "", "", err
	}
	text := func(v C.int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }
	if versions[1] == 0 {
		return text(versions[0]), "", nil
	}
	return text(versions[0]), text(versions[1]), nil
}

// UseCUDA makes the calling thread compute on the CUDA device of this index, on a stream that no other thread has, until [ReleaseCUDA]. The
// goroutine must be locked to its thread.
func UseCUDA(index int) error { return check(C.torchx_cuda_use(C.int(index))) }

// SynchronizeCUDA waits for the calling thread's stream. Afterwards another thread may use or free what was computed with. On a thread without a
// stream it does nothing.
func SynchronizeCUDA() error { return check(C.torchx_cuda_synchronize()) }

// ReleaseCUDA waits for the calling thread's stream and gives it back. On a thread without a stream it does nothing.
func ReleaseCUDA() error { return check(C.torchx_cuda_release()) }

// FreeCUDAMemory returns how many bytes of a CUDA device's memory are free.
func FreeCUDAMemory(index int) (int64, error) {
	var bytes C.int64_t
	err := check(C.torchx_cuda_free_memory(C.int(index), &bytes))
	return int64(bytes), err
}

// checkCUDA is like check, but its error lacks the prefix "libtorch: ": drivers and devices are not libtorch's.
func checkCUDA(text *C.char) error {
	if err := check(text); err != nil {
		return errors.New(err.(*Error).Text)
	}
	return nil
}

// Move moves t to a device, "cpu" or "cuda:N", in place: every handle of t sees it there. t becomes a leaf, and requires a gradient if it
// did before.
func Move(t torch.Tensor, device string) error {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	return check(C.torchx_move(*t.T, name))
}

// To returns t on a device, "cpu" or "cuda:N": a copy, or t's own values if they are there already. s owns the result.
//
// Like gotorch's functions it panics with the text of an exception, which [Do] returns as an error.
func To(s *Scope, t torch.Tensor, device string) torch.Tensor {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	var copied unsafe.Pointer
	must(check(C.torchx_to(*t.T, name, &copied)))
	return s.own(copied)
}
