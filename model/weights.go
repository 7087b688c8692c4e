package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/nlpodyssey/safetensors"

	"lenet/torchx"
)

// Save writes the weights to path as safetensors (https://github.com/huggingface/safetensors), float32, under the names and
// shapes of [LeNet.Parameters], with the activation's name among its metadata. The file is replaced whole or stays as it was.
func (n *LeNet) Save(path string) error {
	views := map[string]safetensors.TensorView{}
	for _, p := range n.Parameters() {
		values := make([]float32, elements(p.Shape))
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
	file, err := safetensors.Serialize(views, map[string]string{"format": "pt", activationKey: string(n.Activation)})
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := renameio.WriteFile(path, file, 0o666); err != nil {
		return fmt.Errorf("model: saving the weights: %w", err)
	}
	return nil
}

// activationKey is the activation's name in a file's metadata. A file without it is the report's.
const activationKey = "activation"

// Open returns the network of a file that Save wrote, for images of rows x cols pixels, with the file's activation and weights.
func Open(path string, rows, cols int, kernels Kernels, device string) (*LeNet, error) {
	file, err := readFile(path)
	if err != nil {
		return nil, err
	}
	_, metadata, err := safetensors.ReadMetadata(file)
	if err != nil {
		return nil, fmt.Errorf("model: %s: it is not a whole safetensors file: %w", path, err)
	}
	activation := Sigmoid
	if name, ok := metadata.Metadata()[activationKey]; ok {
		activation = Activation(name)
	}
	if !slices.Contains(Activations, activation) {
		return nil, fmt.Errorf("model: %s: its activation is %q, and this lenet knows %v", path, activation, Activations)
	}
	n, err := New(rows, cols, Options{Activation: activation, Kernels: kernels, Device: device})
	if err != nil {
		return nil, err
	}
	if err := n.Load(path); err != nil {
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
	values, err := n.weightsOf(file)
	if err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	for i, p := range n.Parameters() {
		if err := torchx.Write(p.Tensor, values[i]); err != nil {
			return fmt.Errorf("model: %s: writing %s: %w", path, p.Name, err)
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
		return nil, fmt.Errorf("model: %s: it is no checkpoint of a LeNet, but %v of %d bytes", path, info.Mode().Type(), info.Size())
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return file, nil
}

// weightsOf returns the values of the network's parameters, in their order, once the whole file fits the network.
func (n *LeNet) weightsOf(file []byte) ([][]float32, error) {
	tensors, err := safetensors.Deserialize(file)
	if err != nil {
		return nil, fmt.Errorf("it is not a whole safetensors file: %w", err)
	}
	params := n.Parameters()
	if tensors.Len() != len(params) {
		return nil, fmt.Errorf("it has %d tensors, and a LeNet has %d", tensors.Len(), len(params))
	}
	values := make([][]float32, len(params))
	for i, p := range params {
		view, ok := tensors.Tensor(p.Name)
		if !ok {
			return nil, fmt.Errorf("it has no tensor %s", p.Name)
		}
		sameSize := func(a uint64, b int64) bool { return a == uint64(b) }
		if view.DType() != safetensors.F32 || !slices.EqualFunc(view.Shape(), p.Shape, sameSize) {
			return nil, fmt.Errorf("its %s is %v %v, and the network for %dx%d images has F32 %v", p.Name, view.DType(), view.Shape(), n.rows, n.cols, p.Shape)
		}
		values[i] = make([]float32, elements(p.Shape))
		for j := range values[i] {
			values[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(view.Data()[4*j:]))
		}
	}
	return values, nil
}

func elements(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}
