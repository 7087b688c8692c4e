package torchx

// #include "torchx.h"
import "C"

import torch "github.com/wangkuiyi/gotorch"

// Samples are images [N, rows*cols] uint8 and their labels [N] uint8, on one device.
type Samples struct{ Images, Labels torch.Tensor }

// An Augmentation changes images at random, each within these bounds. Seed, Epoch and an image's index determine how.
type Augmentation struct {
	Seed   uint64
	Epoch  int
	Shift  float64 // pixels, in each direction; whole pixels if Rotate and Scale are 0
	Rotate float64 // degrees, either way
	Scale  float64 // below 1; of 0.1: from 0.9 to 1.1 times as large
}

// Augment fills `to`, of n images and labels, with those of set whose indices stand in order, [n] int32: each image changed, and its label. Indices
// are not checked. The device is a CUDA device, for which Augment queues one kernel. The images are those that package dataset's loader makes
// on the CPU of the same seed and epoch. A pixel can differ by a grey level in an image where the two round a sine differently.
func Augment(to, set Samples, order torch.Tensor, cols int, a Augmentation) error {
	c := C.torchx_augmentation{C.uint64_t(a.Seed), C.int64_t(a.Epoch), C.double(a.Shift), C.double(a.Rotate), C.double(a.Scale)}
	return check(C.torchx_augment(*set.Images.T, *set.Labels.T, *order.T, C.int64_t(cols), &c, *to.Images.T, *to.Labels.T))
}
