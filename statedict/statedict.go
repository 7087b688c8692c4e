// Package statedict holds named tensors of float32 and what a file says of them: PyTorch's state dict, as safetensors
// (https://github.com/huggingface/safetensors).
package statedict

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/nlpodyssey/safetensors"
)

// A Tensor is a name, a shape and as many values, in row-major order.
type Tensor struct {
	Name   string
	Shape  []int64
	Values []float32
}

// Encode returns tensors, whose names differ, and metadata as a safetensors file.
func Encode(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	views := make(map[string]safetensors.TensorView, len(tensors))
	for _, t := range tensors {
		data := make([]byte, 4*len(t.Values))
		for i, v := range t.Values {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
		shape := make([]uint64, len(t.Shape))
		for i, d := range t.Shape {
			shape[i] = uint64(d)
		}
		view, err := safetensors.NewTensorView(safetensors.F32, shape, data)
		if err != nil {
			return nil, fmt.Errorf("statedict: %s: %w", t.Name, err)
		}
		views[t.Name] = view
	}
	file, err := safetensors.Serialize(views, metadata)
	if err != nil {
		return nil, fmt.Errorf("statedict: %w", err)
	}
	return file, nil
}

// Decode returns what Encode was given, the tensors by their names.
func Decode(file []byte) (tensors map[string]Tensor, metadata map[string]string, err error) {
	all, err := safetensors.Deserialize(file)
	if err != nil {
		return nil, nil, fmt.Errorf("statedict: it is not a whole safetensors file: %w", err)
	}
	_, header, err := safetensors.ReadMetadata(file)
	if err != nil {
		return nil, nil, fmt.Errorf("statedict: %w", err)
	}
	tensors = map[string]Tensor{}
	for _, view := range all.Tensors() {
		if view.TensorView.DType() != safetensors.F32 {
			return nil, nil, fmt.Errorf("statedict: its %s is %v, and not F32", view.Name, view.TensorView.DType())
		}
		t := Tensor{Name: view.Name}
		for _, d := range view.TensorView.Shape() {
			t.Shape = append(t.Shape, int64(d))
		}
		for b := range slices.Chunk(view.TensorView.Data(), 4) {
			t.Values = append(t.Values, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		tensors[t.Name] = t
	}
	return tensors, header.Metadata(), nil
}
