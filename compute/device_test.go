package compute

import (
	"errors"
	"strings"
	"testing"

	"lenet/torchx"
)

func TestChooseDevice(t *testing.T) {
	two := []torchx.CUDADevice{{Name: "NVIDIA A", Memory: 80 << 30, Major: 9}, {Name: "NVIDIA B", Memory: 24 << 30, Major: 8, Minor: 9}}
	old := torchx.CUDADevice{Name: "NVIDIA O", Memory: 16 << 30, Major: 7}
	noDriver := errors.New("there is no NVIDIA driver; install one")
	for _, c := range []struct {
		requested      string
		found          []torchx.CUDADevice
		err            error
		device, reason string // reason: of the choice or of the error
	}{
		{"cpu", two, nil, "cpu", ""},
		{"auto", two, nil, "cuda:0", "device auto: cuda:0, NVIDIA A, 80 GiB, compute capability 9.0"},
		{"auto", nil, nil, "cpu", "shows no GPU"},
		{"auto", nil, noDriver, "cpu", "the CPU, since there is no NVIDIA driver"},
		{"auto", []torchx.CUDADevice{old}, nil, "cpu", "device auto: the CPU, since cuda:0, NVIDIA O, 16 GiB, compute capability 7.0, is too old; lenet needs a GPU of compute capability 7.5 or later"},
		{"auto", []torchx.CUDADevice{old, two[1]}, nil, "cuda:1", "device auto: cuda:1, NVIDIA B, 24 GiB, compute capability 8.9"},
		{"auto", []torchx.CUDADevice{{Name: "NVIDIA T", Memory: 16 << 30, Major: 7, Minor: 5}}, nil, "cuda:0", "device auto: cuda:0, NVIDIA T"},
		{"cuda", []torchx.CUDADevice{old}, nil, "", "device cuda: NVIDIA O, 16 GiB, compute capability 7.0, is too old; lenet needs a GPU of compute capability 7.5 or later"},
		{"cuda:0", []torchx.CUDADevice{old, two[0]}, nil, "", "device cuda:0: NVIDIA O"},
		{"cuda:1", []torchx.CUDADevice{old, two[0]}, nil, "cuda:1", ""},
		{"cuda", two, nil, "cuda:0", ""},
		{"cuda:1", two, nil, "cuda:1", ""},
		{"cuda:2", two, nil, "", "device cuda:2: the last GPU of this machine is cuda:1, NVIDIA B"},
		{"cuda", nil, nil, "", "shows no GPU"},
		{"cuda:0", nil, noDriver, "", "device cuda:0: there is no NVIDIA driver"},
	} {
		device, reason, err := chooseDevice(c.requested, func() ([]torchx.CUDADevice, error) {
			if c.requested == "cpu" {
				t.Error("the CPU was requested, and CUDA was loaded")
			}
			return c.found, c.err
		})
		if err != nil {
			reason = err.Error()
		}
		if device != c.device || (err != nil) != (c.device == "") || !strings.Contains(reason, c.reason) || (c.reason == "") != (reason == "") {
			t.Errorf("%s: device %q, reason %q, error %v", c.requested, device, reason, err)
		}
	}
}
