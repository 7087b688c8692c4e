package compute

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lenet/torchx"
)

// CPU is the name of the CPU as a device.
const CPU = "cpu"

// CUDAIndex returns the N of a device "cuda:N"; of "cuda" it is 0.
func CUDAIndex(device string) int {
	_, number, _ := strings.Cut(device, ":")
	index, _ := strconv.Atoi(number)
	return index
}

// NoGPU says that there is a driver and no GPU.
const NoGPU = "the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES may hide it)"

// A DeviceError says why a device that was asked for cannot be used.
type DeviceError struct {
	Device string // as it was asked for
	Cause  error
}

func (e *DeviceError) Error() string { return fmt.Sprintf("compute: device %s: %v", e.Device, e.Cause) }
func (e *DeviceError) Unwrap() error { return e.Cause }

// chooseDevice returns the device that a requested name means, "cpu" or "cuda:N", and, for "auto", the reason: the first GPU that is not too
// old. gpus lists this machine's.
func chooseDevice(requested string, gpus func() ([]torchx.CUDADevice, error)) (device, why string, err error) {
	if requested == CPU {
		return CPU, "", nil
	}
	found, err := gpus()
	if requested == "auto" {
		switch {
		case err != nil:
			reason, _, _ := strings.Cut(err.Error(), ";") // without what to do
			return CPU, "device auto: the CPU, since " + reason, nil
		case len(found) == 0:
			return CPU, "device auto: the CPU, since " + NoGPU, nil
		}
		for i, gpu := range found {
			if gpu.Check() == nil {
				device := fmt.Sprintf("cuda:%d", i)
				return device, fmt.Sprintf("device auto: %s, %v", device, gpu), nil
			}
		}
		return CPU, fmt.Sprintf("device auto: the CPU, since cuda:0, %v", found[0].Check()), nil
	}
	index := CUDAIndex(requested)
	switch {
	case err != nil:
	case len(found) == 0:
		err = errors.New(NoGPU)
	case index >= len(found):
		err = fmt.Errorf("the last GPU of this machine is cuda:%d, %v", len(found)-1, found[len(found)-1])
	default:
		if err = found[index].Check(); err == nil {
			return fmt.Sprintf("cuda:%d", index), "", nil
		}
	}
	return "", "", &DeviceError{requested, err}
}
