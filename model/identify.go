package model

import (
	"encoding/json"
	"fmt"

	"github.com/nlpodyssey/safetensors"
)

// An UnknownError says what of the network is stated neither in its weights file nor by the reader.
type UnknownError struct {
	What string // "activation" or "image size"
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("the file does not say the network's %s", e.What)
}

// specOf returns the Spec of a weights file: as its metadata say or, in the file of another program or of an old version, as the shapes of its
// tensors and what the reader knows say together. The shapes do not determine an image's size, since the poolings round down.
func specOf(file []byte, known Spec) (Spec, error) {
	_, metadata, err := safetensors.ReadMetadata(file)
	if err != nil {
		return Spec{}, fmt.Errorf("it is not a whole safetensors file: %w", err)
	}
	var spec Spec
	if text, ok := metadata.Metadata()[specKey]; ok {
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			return Spec{}, fmt.Errorf("its metadata %q describe no network: %w", text, err)
		}
	} else {
		spec.Activation = metadata.Metadata()[activationKey]
		if err := spec.takeShapes(metadata.Tensors()); err != nil {
			return Spec{}, err
		}
	}
	if spec.Activation == "" {
		spec.Activation = known.Activation
	}
	if spec.Rows == 0 && spec.Cols == 0 {
		spec.Rows, spec.Cols = known.Rows, known.Cols
	}
	switch {
	case spec.Activation == "":
		return Spec{}, &UnknownError{"activation"}
	case spec.Rows == 0 || spec.Cols == 0:
		return Spec{}, &UnknownError{"image size"}
	}
	if err := ValidateActivation(spec.Activation); err != nil {
		return Spec{}, fmt.Errorf("its %v", err) // not an option's error: nobody gave it
	}
	return spec, nil
}

// dataOf returns the Data of a weights file: nothing, in that of another program or of an old version.
func dataOf(file []byte) (data Data, err error) {
	_, metadata, err := safetensors.ReadMetadata(file)
	if err != nil {
		return data, fmt.Errorf("it is not a whole safetensors file: %w", err)
	}
	if text, ok := metadata.Metadata()[dataKey]; ok {
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			return data, fmt.Errorf("its metadata %q describe no data: %w", text, err)
		}
	}
	return data, nil
}

// takeShapes sets what the shapes of the tensors determine.
func (s *Spec) takeShapes(tensors map[string]*safetensors.TensorInfo) error {
	for name, width := range map[string]*int{
		"conv1.bias": &s.Channels[0], "conv2.bias": &s.Channels[1], "fc1.bias": &s.Hidden[0], "fc2.bias": &s.Hidden[1], "fc3.bias": &s.Classes,
	} {
		info, ok := tensors[name]
		if !ok {
			return fmt.Errorf("it has no tensor %s", name)
		}
		if len(info.Shape) != 1 || info.Shape[0] < 1 || info.Shape[0] > maxFile {
			return fmt.Errorf("its %s is %v, and not a vector", name, info.Shape)
		}
		*width = int(info.Shape[0])
	}
	return nil
}
