// Package export writes trained networks in formats that other programs run.
package export

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"lenet/model"
	"lenet/option"
)

// Options say in which format a network is written, and what it takes and yields there.
type Options struct {
	Format  string `default:"onnx" placeholder:"NAME" help:"The file's format: ${formats}."`
	Input   string `default:"float32" placeholder:"TYPE" help:"The type of the pixels that the exported network takes: ${inputs}. A float32 is 0 to 1, a uint8 0 to 255."`
	Softmax bool   `help:"The exported network yields probabilities, in place of logits."`

	Quantize string `placeholder:"TYPE" help:"Store the weights as numbers of 8 bits (${quantities}), which makes the file about a quarter as large, and print the accuracy before and after."`
}

// The types of pixels.
const (
	float32Input = "float32"
	uint8Input   = "uint8"
)

// Names are the lists of names in the help of [Options].
var Names = option.Names{"formats": {"onnx"}, "inputs": {float32Input, uint8Input}, "quantities": {int8Weights}}

// Defaults returns the options of an ONNX model that takes pixels of 0 to 1 and yields logits.
func Defaults() (o Options) {
	option.Defaults(&o, Names)
	return o
}

// Validate checks the names. Its error is an [option.Error].
func (o *Options) Validate() error {
	return option.First(
		option.OneOf("format", o.Format, Names["formats"]),
		option.OneOf("input", o.Input, Names["inputs"]),
		option.OneOf("quantize", cmp.Or(o.Quantize, int8Weights), Names["quantities"]),
	)
}

// File returns the path of the file beside a weights file that holds the same network in the options' format.
func (o *Options) File(weights string) string {
	return strings.TrimSuffix(weights, filepath.Ext(weights)) + "." + o.Format
}

// output returns the name of what the exported network yields.
func (o *Options) output() string {
	if o.Softmax {
		return "probabilities"
	}
	return "logits"
}

// input is the name of what the exported network takes.
const input = "images"

// Describe says in a line what a network takes and yields once it is exported.
func (o *Options) Describe(spec model.Spec) string {
	most := "1"
	if o.Input == uint8Input {
		most = "255"
	}
	return fmt.Sprintf("%s, %s [N, 1, %d, %d] of 0 to %s -> %s, float32 [N, %d]", input, o.Input, spec.Rows, spec.Cols, most, o.output(), spec.Classes)
}
