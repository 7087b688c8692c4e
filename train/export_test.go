package train

import (
	"fmt"
	"maps"
	"slices"
)

// Tensors returns all values of a checkpoint, by the names of the tensors.
func (c *Checkpoint) Tensors() (text []byte) {
	for _, name := range slices.Sorted(maps.Keys(c.tensors)) {
		text = fmt.Append(text, name, c.tensors[name].Shape, c.tensors[name].Values, "\n")
	}
	return text
}

// ProgressInterval is progressInterval.
var ProgressInterval = progressInterval
