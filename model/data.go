package model

import (
	"strconv"

	"lenet/picture"
)

// Data is what a weights file says of the images that the network was trained on, as far as its users need to know.
type Data struct {
	Classes []string       `json:"classes,omitempty"` // names of the classes, in the order of the logits; none: their numbers
	First   int            `json:"first,omitempty"`   // the label of the first class in the files of the training set
	Frame   *picture.Frame `json:"frame,omitempty"`   // how the images hold their subject; nil: as MNIST's do
}

// Class returns the name of a class, which is its number where it has no other.
func (d *Data) Class(i int) string {
	if i < len(d.Classes) {
		return d.Classes[i]
	}
	return strconv.Itoa(i)
}

// ClassNames returns the names of all classes, in the order of the logits.
func (n *LeNet) ClassNames() []string {
	names := make([]string, n.Classes)
	for i := range names {
		names[i] = n.Data.Class(i)
	}
	return names
}

// Frame returns how pictures are to be prepared for the network.
func (n *LeNet) Frame() picture.Frame {
	if n.Data.Frame != nil {
		return *n.Data.Frame
	}
	return picture.MNIST(n.Rows, n.Cols)
}
