package model

import (
	"encoding/json"
	"fmt"

	"github.com/google/renameio/v2"

	"lenet/statedict"
	"lenet/torchx"
)

// SpecKey is the key of a weights file's metadata that has its Spec.
const SpecKey = "lenet"

// The other keys of a file's metadata. Files from before there was a Spec have the activation alone, and their programs read no more.
const (
	dataKey       = "lenet_data"
	activationKey = "activation"
)

// StateDict returns copies of the weights, under the names and shapes of [LeNet.Parameters], and what a safetensors file says beside them: the Metadata.
func (n *LeNet) StateDict() ([]statedict.Tensor, map[string]string, error) {
	var tensors []statedict.Tensor
	for _, p := range n.Parameters() {
		values, err := p.Values()
		if err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, statedict.Tensor{Name: p.Name, Shape: p.Shape, Values: values})
	}
	metadata, err := n.Metadata()
	if err != nil {
		return nil, nil, err
	}
	metadata["format"] = "pt"
	return tensors, metadata, nil
}

// Save writes the weights to path as safetensors (https://github.com/huggingface/safetensors), float32: the StateDict. The file is replaced whole or
// stays as it was.
func (n *LeNet) Save(path string) error {
	tensors, metadata, err := n.StateDict()
	if err != nil {
		return err
	}
	file, err := statedict.Encode(tensors, metadata)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := renameio.WriteFile(path, file, 0o666); err != nil {
		return fmt.Errorf("model: saving the weights: %w", err)
	}
	return nil
}

// Metadata returns what a file of the weights says of the network beside them: as JSON its Spec and its Data, and its activation.
func (n *LeNet) Metadata() (map[string]string, error) {
	spec, err := json.Marshal(n.Spec)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	data, err := json.Marshal(n.Data)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return map[string]string{SpecKey: string(spec), dataKey: string(data), activationKey: n.Activation}, nil
}

// Open returns the network of a weights file: one that Save wrote, or another program's, under the same names or with a prefix before all of them,
// in float16, bfloat16, float32 or float64. What the file does not say of the network, known does, whose zero values stand for what is not known.
//
// Errors: the file system's; [ForeignError]; [UnknownError] where neither says enough; [NotFiniteError]; a file that is not whole, or holds
// something else.
func Open(path string, known Spec, o Options) (*LeNet, error) {
	file, err := readFile(path)
	if err != nil {
		return nil, err
	}
	spec, values, data, err := file.network(known)
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
	if file.prefix != "" && o.Log != nil {
		o.Log(fmt.Sprintf("%s: all names begin with %q, which is dropped", path, file.prefix))
	}
	return n, nil
}

// network returns what a file says of its network: nothing of it, or all that fits together.
func (f *weightsFile) network(known Spec) (spec Spec, values [][]float32, data Data, err error) {
	if spec, err = specOf(f, known); err != nil {
		return spec, nil, data, err
	}
	if values, err = spec.weightsOf(f); err != nil {
		return spec, nil, data, err
	}
	data, err = dataOf(f, spec)
	return spec, values, data, err
}

// Load reads the network's weights from a file, as [Open] does. Where it fails, the network is unchanged.
func (n *LeNet) Load(path string) error {
	file, err := readFile(path)
	if err != nil {
		return err
	}
	values, err := n.weightsOf(file)
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
