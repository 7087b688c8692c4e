// Package statedict holds named tensors and what a file says of them: PyTorch's state dict, as safetensors
// (https://github.com/huggingface/safetensors). A file is data alone: nothing in it is run.
package statedict

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/nlpodyssey/safetensors"
)

// CheckpointKey is the key of a file's metadata that only checkpoints have.
const CheckpointKey = "lenet_checkpoint"

// A Tensor is a name, a shape and as many values, in row-major order.
type Tensor struct {
	Name   string
	Shape  []int64
	Values []float32
}

// Bytes returns values as files have them: float32, little-endian.
func Bytes(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// ReadFile reads a file of at most so many bytes; a larger one, or one that is no regular file, is refused unread, as not being what it should be.
func ReadFile(path string, largest int64, what string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largest {
		return nil, fmt.Errorf("%s: it is %s: %d bytes, mode %v", path, what, info.Size(), info.Mode())
	}
	return os.ReadFile(path)
}

// Encode returns tensors, whose names differ, and metadata as a safetensors file.
func Encode(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	views := make(map[string]safetensors.TensorView, len(tensors))
	for _, t := range tensors {
		shape := make([]uint64, len(t.Shape))
		for i, d := range t.Shape {
			shape[i] = uint64(d)
		}
		view, err := safetensors.NewTensorView(safetensors.F32, shape, Bytes(t.Values))
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

// What a header may hold beside its length: more than networks have, and few enough for a line that names it.
const (
	LongestName = 512 // bytes
	mostDims    = 16
)

// Views returns the tensors of a safetensors file, views of its bytes, and its metadata. The tensors fill the file behind its header, without gaps, and none
// overlaps another; their shapes fit their bytes. Of a name that the header has twice, the last one counts.
//
// Errors: a header of more than so many bytes, which would take some hundred times as many; one that is broken, or does not fit the file.
func Views(file []byte, longestHeader uint64) (tensors safetensors.SafeTensors, metadata map[string]string, err error) {
	if len(file) < 8 {
		return tensors, nil, errors.New("it ends before its header")
	}
	if n := binary.LittleEndian.Uint64(file); n > longestHeader || n > uint64(len(file)-8) {
		return tensors, nil, fmt.Errorf("its header is said to be %d bytes long, the file is %d, and headers of at most %d are read", n, len(file), longestHeader)
	}
	_, header, err := safetensors.ReadMetadata(file)
	if err != nil {
		return tensors, nil, fmt.Errorf("%.200v", err.Error()) // it may hold all of the header
	}
	for name, t := range header.Tensors() {
		if len(name) > LongestName || len(t.Shape) > mostDims {
			return tensors, nil, fmt.Errorf("its tensor %.64q has a name of %d bytes and %d dimensions, and may have %d and %d", name, len(name), len(t.Shape), LongestName, mostDims)
		}
	}
	tensors, err = safetensors.Deserialize(file)
	return tensors, header.Metadata(), err
}

// Decode returns what Encode was given, the tensors by their names. Its errors are those of Views, and a tensor of another type than float32.
func Decode(file []byte, longestHeader uint64) (tensors map[string]Tensor, metadata map[string]string, err error) {
	all, metadata, err := Views(file, longestHeader)
	if err != nil {
		return nil, nil, fmt.Errorf("it is not a whole safetensors file: %w", err)
	}
	tensors = map[string]Tensor{}
	for _, view := range all.Tensors() {
		if view.TensorView.DType() != safetensors.F32 {
			return nil, nil, fmt.Errorf("its %s is %v, and not F32", view.Name, view.TensorView.DType())
		}
		t := Tensor{Name: view.Name, Values: make([]float32, 0, len(view.TensorView.Data())/4)}
		for _, d := range view.TensorView.Shape() {
			t.Shape = append(t.Shape, int64(d))
		}
		for b := range slices.Chunk(view.TensorView.Data(), 4) {
			t.Values = append(t.Values, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		tensors[t.Name] = t
	}
	return tensors, metadata, nil
}
