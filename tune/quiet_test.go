package tune

import (
	"lenet/model"
	"lenet/torchx"
	"lenet/train"
)

// quiet is a train.Reporter of nothing.
type quiet struct{}

func (quiet) Log(string)                  {}
func (quiet) Network(*model.LeNet)        {}
func (quiet) Device(string)               {}
func (quiet) Batch(int, torchx.Sums, int) {}
func (quiet) Epoch(train.Metrics)         {}
