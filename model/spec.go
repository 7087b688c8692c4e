package model

import (
	"fmt"

	"lenet/option"
	"lenet/torchx"
)

// A Spec says which LeNet it is: the one place where the architecture's numbers stand.
type Spec struct {
	Rows       int    `json:"rows"` // pixels of an image
	Cols       int    `json:"cols"`
	Channels   [2]int `json:"channels"` // of what the two convolutions yield
	Hidden     [2]int `json:"hidden"`   // widths of the first two linear layers
	Classes    int    `json:"classes"`  // the width of the last one, the logits
	Activation string `json:"activation"`
}

// Report returns the network of the lab report: for images of 28x28 pixels and ten digits, 44,426 parameters.
func Report() Spec {
	return Spec{Rows: 28, Cols: 28, Channels: [2]int{6, 16}, Hidden: [2]int{120, 84}, Classes: 10, Activation: "sigmoid"}
}

// Names are the lists of names in the help of options that choose a network.
var Names = option.Names{"activations": activationNames()}

func activationNames() (names []string) {
	for _, f := range torchx.Activations() {
		names = append(names, f.Name)
	}
	return names
}

// ValidateActivation checks an activation's name. Its error is an [option.Error].
func ValidateActivation(name string) error {
	return option.OneOf("activation", name, Names["activations"])
}

const (
	filter = 5 // side of the convolutions' filters
	Window = 2 // side of the max-pools' windows, and their stride
)

// A layer is one of the network's layers.
type layer struct {
	name      string
	weight    []int64 // shape of the weight: [out, in, 5, 5] of a convolution, [out, in] of a linear layer; nil of a max-pool
	output    []int   // shape of what it yields of one image: [channels, rows, cols] or [features]
	activated bool    // an activation follows
}

// layers are the network's layers: all that depends on their sizes derives from them.
type layers struct{ conv1, pool1, conv2, pool2, fc1, fc2, fc3 layer }

func (s Spec) layers() (l layers) {
	l.conv1 = convolution("conv1", []int{1, s.Rows, s.Cols}, s.Channels[0])
	l.pool1 = maxPool("pool1", l.conv1.output)
	l.conv2 = convolution("conv2", l.pool1.output, s.Channels[1])
	l.pool2 = maxPool("pool2", l.conv2.output)
	l.fc1 = linearLayer("fc1", l.pool2.output, s.Hidden[0], true)
	l.fc2 = linearLayer("fc2", l.fc1.output, s.Hidden[1], true)
	l.fc3 = linearLayer("fc3", l.fc2.output, s.Classes, false)
	return l
}

// inOrder returns the layers as an image passes through them.
func (l layers) inOrder() []layer {
	return []layer{l.conv1, l.pool1, l.conv2, l.pool2, l.fc1, l.fc2, l.fc3}
}

func convolution(name string, in []int, channels int) layer {
	return layer{
		name: name, weight: []int64{int64(channels), int64(in[0]), filter, filter},
		output: []int{channels, in[1] - filter + 1, in[2] - filter + 1}, activated: true,
	}
}

func maxPool(name string, in []int) layer {
	return layer{name: name, output: []int{in[0], in[1] / Window, in[2] / Window}}
}

func linearLayer(name string, in []int, features int, activated bool) layer {
	return layer{name: name, weight: []int64{int64(features), int64(product(in))}, output: []int{features}, activated: activated}
}

func product[T int | int64](dims []T) T {
	n := T(1)
	for _, d := range dims {
		n *= d
	}
	return n
}

// maxLayer is how many weights a layer may have, and how many values it may yield of one image: 1 GiB of float32.
const maxLayer = 1 << 28

func magnitude[T int | int64](dims []T) float64 {
	n := 1.0
	for _, d := range dims {
		n *= float64(d)
	}
	return n
}

// Validate checks that such a network can be made.
func (s Spec) Validate() error {
	if err := ValidateActivation(s.Activation); err != nil {
		return err
	}
	for _, width := range []int{s.Channels[0], s.Channels[1], s.Hidden[0], s.Hidden[1], s.Classes} {
		if width < 1 {
			return fmt.Errorf("model: a layer is %d wide: %+v", width, s)
		}
	}
	for _, l := range s.layers().inOrder() {
		// In float64, since the product may overflow.
		if n := magnitude(l.weight); n > maxLayer {
			return fmt.Errorf("model: %s.weight has %.3g values, and may have %d: %+v", l.name, n, maxLayer, s)
		}
		if n := magnitude(l.output); n > maxLayer {
			return fmt.Errorf("model: %s yields %.3g values of an image, and may yield %d: %+v", l.name, n, maxLayer, s)
		}
		if len(l.output) == 3 && min(l.output[1], l.output[2]) < 1 {
			return fmt.Errorf("model: images are %dx%d pixels, and the network needs at least 16x16", s.Rows, s.Cols)
		}
	}
	return nil
}

// Layers describes the network, a line for each layer.
func (s Spec) Layers() []string {
	var lines []string
	for _, l := range s.layers().inOrder() {
		activation, what := "", ""
		if l.activated {
			activation = s.Activation
		}
		switch len(l.weight) {
		case 4:
			what = fmt.Sprintf("Conv2d(%d -> %d, %dx%d)", l.weight[1], l.weight[0], filter, filter)
		case 2:
			what = fmt.Sprintf("Linear(%d -> %d)", l.weight[1], l.weight[0])
		default:
			what = fmt.Sprintf("MaxPool2d(%dx%d, stride %d)", Window, Window, Window)
		}
		shape := "[N"
		for _, d := range l.output {
			shape += fmt.Sprintf(", %d", d)
		}
		line := fmt.Sprintf("  %-6s %-24s %-8s -> %s]", l.name, what, activation, shape)
		if l.weight != nil {
			line = fmt.Sprintf("%-61s %6d parameters", line, product(l.weight)+l.weight[0])
		}
		lines = append(lines, line)
	}
	return lines
}
