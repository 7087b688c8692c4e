package train

import (
	"fmt"
	"strconv"
	"strings"

	"lenet/torchx"
)

// chooseDevice returns the device that a --device means, "cpu" or "cuda:N", and, of auto, why. gpus lists this machine's.
func chooseDevice(asked string, gpus func() ([]torchx.CUDADevice, error)) (device, why string, err error) {
	if asked == "cpu" {
		return "cpu", "", nil
	}
	found, err := gpus()
	if asked == "auto" {
		switch {
		case err != nil:
			reason, _, _ := strings.Cut(err.Error(), ";") // without what to do
			return "cpu", "device auto: the CPU, since " + reason, nil
		case len(found) == 0:
			return "cpu", "device auto: the CPU, since the NVIDIA driver shows no GPU", nil
		}
		return "cuda:0", "device auto: cuda:0, " + found[0].String(), nil
	}
	_, number, _ := strings.Cut(asked, ":")
	index, _ := strconv.Atoi(number) // "cuda" means cuda:0
	switch {
	case err != nil:
		return "", "", fmt.Errorf("train: --device %s: %w", asked, err)
	case len(found) == 0:
		return "", "", fmt.Errorf("train: --device %s: the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES may hide it); give --device cpu", asked)
	case index >= len(found):
		return "", "", fmt.Errorf("train: --device %s: the last GPU of this machine is cuda:%d, %v; give that one, or give --device cpu", asked, len(found)-1, found[len(found)-1])
	}
	return fmt.Sprintf("cuda:%d", index), "", nil
}
