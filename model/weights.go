package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/nlpodyssey/safetensors"

	"lenet/torchx"
)

// The keys of a file's metadata. Files from before there was a Spec have the activation alone, and their programs read no more.
const (
	specKey       = "lenet"
	dataKey       = "lenet_data"
	activationKey = "activation"
)

// Save writes the weights to path as safetensors (https://github.com/huggingface/safetensors), float32, under the names and
// shapes of [LeNet.Parameters], with the Spec among its metadata. The file is replaced whole or stays as it was.
func (n *LeNet) Save(path string) error {
	views := map[string]safetensors.TensorView{}
	for _, p := range n.Parameters() {
		values := make([]float32, product(p.Shape))
		if err := torchx.Read(values, p.Tensor); err != nil {
			return fmt.Errorf("model: reading %s: %w", p.Name, err)
		}
		data := make([]byte, 0, 4*len(values))
		for _, v := range values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		shape := make([]uint64, len(p.Shape))
		for i, d := range p.Shape {
			shape[i] = uint64(d)
		}
		view, err := safetensors.NewTensorView(safetensors.F32, shape, data)
		if err != nil {
			return fmt.Errorf("model: %s: %w", p.Name, err)
		}
		views[p.Name] = view
	}
	spec, err := json.Marshal(n.Spec)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	data, err := json.Marshal(n.Data)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	file, err := safetensors.Serialize(views, map[string]string{"format": "pt", specKey: string(spec), dataKey: string(data), activationKey: n.Activation})
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := renameio.WriteFile(path, file, 0o666); err != nil {
		return fmt.Errorf("model: saving the weights: %w", err)
	}
	return nil
}

// Open returns the network of a weights file. What the file does not say of it, known does, whose zero values stand for what is not known.
//
// Errors: the file system's; [UnknownError] where neither says enough; a file that is not whole, or says something else.
func Open(path string, known Spec, o Options) (*LeNet, error) {
	file, err := readFile(path)
	if err != nil {
		return nil, err
	}
	spec, err := specOf(file, known)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	values, err := spec.weightsIn(file)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	data, err := dataOf(file)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	n, err := New(spec, o)
	if err != nil {
		return nil, err
	}
	n.Data = data
	if err := n.setWeights(values); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// maxFile is larger than any checkpoint of a LeNet: other files are refused unread.
const maxFile = 1 << 30

// Load reads weights that Save wrote, or another program under the same names. Where it fails, the network is unchanged.
func (n *LeNet) Load(path string) error {
	file, err := readFile(path)
	if err != nil {
		return err
	}
	values, err := n.weightsIn(file)
	if err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	return n.setWeights(values)
}

// setWeights sets the parameters, in their order.
func (n *LeNet) setWeights(values [][]float32) error {
	for i, p := range n.Parameters() {
		if err := torchx.Write(p.Tensor, values[i]); err != nil {
			return fmt.Errorf("model: writing %s: %w", p.Name, err)
		}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("model: %s: it is not a weights file of a LeNet: %d bytes, mode %v", path, info.Size(), info.Mode())
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return file, nil
}

// weightsIn returns the values of the network's parameters, in their order, once the whole file fits the network.
func (s Spec) weightsIn(file []byte) ([][]float32, error) {
	tensors, err := safetensors.Deserialize(file)
	if err != nil {
		return nil, fmt.Errorf("it is not a whole safetensors file: %w", err)
	}
	params := s.shapes()
	if tensors.Len() != len(params) {
		return nil, fmt.Errorf("it has %d tensors, and a LeNet has %d", tensors.Len(), len(params))
	}
	values := make([][]float32, len(params))
	for i, p := range params {
		view, ok := tensors.Tensor(p.Name)
		if !ok {
			return nil, fmt.Errorf("it has no tensor %s", p.Name)
		}
		if view.DType() != safetensors.F32 || !slices.Equal(signed(view.Shape()), p.Shape) {
			return nil, fmt.Errorf("its %s is %v %v, and the network for %dx%d images has F32 %v", p.Name, view.DType(), view.Shape(), s.Rows, s.Cols, p.Shape)
		}
		values[i] = make([]float32, product(p.Shape))
		for j := range values[i] {
			values[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(view.Data()[4*j:]))
		}
	}
	return values, nil
}

func signed(shape []uint64) []int64 {
	dims := make([]int64, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	return dims
}
