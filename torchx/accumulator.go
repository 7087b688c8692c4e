package torchx

// #include <stdlib.h>
// #include "torchx.h"
import "C"

import (
	"unsafe"

	torch "github.com/wangkuiyi/gotorch"
)

// An Accumulator adds up over batches what an epoch reports. It is on a device, and nothing waits for the device until Read.
type Accumulator struct{ handle unsafe.Pointer }

// sums is how many sums cc/accumulator.cc keeps.
const sums = 3

// NewAccumulator returns an accumulator of no batches on a device, "cpu" or "cuda:N".
func NewAccumulator(device string) (*Accumulator, error) {
	name := C.CString(device)
	defer C.free(unsafe.Pointer(name))
	var a Accumulator
	if err := check(C.torchx_accumulator(name, sums, &a.handle)); err != nil {
		return nil, err
	}
	return &a, nil
}

// Add adds a batch: its mean loss, and how many rows of logits, [N, classes] float32, have their largest value at the label, [N]
// uint8.
func (a *Accumulator) Add(loss, logits, labels torch.Tensor) error {
	return check(C.torchx_accumulator_add(a.handle, *loss.T, *logits.T, *labels.T))
}

// Sums are what an accumulator reports of its batches.
type Sums struct {
	Images         int
	Loss, Accuracy float64 // means over images; accuracy is 0 to 1
}

// Totals are what an accumulator holds: the loss summed over images, the right answers, the images.
type Totals [sums]float64

// Read waits for what the device has yet to do, and returns the sums until now. Of no images, loss and accuracy are NaN.
func (a *Accumulator) Read() (Sums, error) {
	t, err := a.Totals()
	if err != nil {
		return Sums{}, err
	}
	loss, correct, images := t[0], t[1], t[2]
	return Sums{Images: int(images), Loss: loss / images, Accuracy: correct / images}, nil
}

// Totals waits as Read does.
func (a *Accumulator) Totals() (t Totals, err error) {
	return t, check(C.torchx_accumulator_read(a.handle, (*C.double)(&t[0])))
}

// Restore makes the accumulator hold what another one held.
func (a *Accumulator) Restore(t Totals) error {
	return check(C.torchx_accumulator_set(a.handle, (*C.double)(&t[0])))
}

// Reset forgets all batches.
func (a *Accumulator) Reset() error { return check(C.torchx_accumulator_reset(a.handle)) }

// Close frees the accumulator. A second Close does nothing.
func (a *Accumulator) Close() {
	if a.handle != nil {
		C.torchx_free_tensors(&a.handle, 1)
		a.handle = nil
	}
}
