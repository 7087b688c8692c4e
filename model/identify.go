package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// An UnknownError says what of the network is stated neither in its weights file nor by the reader.
type UnknownError struct {
	What string // "activation" or "image size"
	Spec Spec   // what the file does say
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("the file does not say the network's %s", e.What)
}

// specOf returns the Spec of a weights file: as its metadata say or, in the file of another program or of an old version, as the shapes of its
// tensors and what the reader knows say together. The shapes do not determine an image's size, since the poolings round down.
func specOf(file *weightsFile, known Spec) (spec Spec, err error) {
	if text, ok := file.metadata[SpecKey]; ok {
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			return Spec{}, fmt.Errorf("its metadata %.200q describe no network: %w", text, err)
		}
	} else {
		spec.Activation = file.metadata[activationKey]
		if err := spec.takeShapes(file); err != nil {
			return Spec{}, err
		}
	}
	if spec.Classes == 1 {
		return Spec{}, errors.New("its last layer has 1 class, and a LeNet tells 2 or more apart")
	}
	stated := spec
	if spec.Activation == "" {
		spec.Activation = known.Activation
	}
	if spec.Rows == 0 && spec.Cols == 0 {
		spec.Rows, spec.Cols = known.Rows, known.Cols
	}
	switch {
	case spec.Activation == "":
		return Spec{}, &UnknownError{"activation", stated}
	case spec.Rows == 0 || spec.Cols == 0:
		return Spec{}, &UnknownError{"image size", stated}
	}
	if err := ValidateActivation(spec.Activation); err != nil {
		return Spec{}, fmt.Errorf("its %.200v", err.Error()) // not an option's error: nobody gave it
	}
	if err := spec.Validate(); err != nil {
		return Spec{}, err
	}
	return spec, nil
}

// dataOf returns the Data of the weights file of a network: nothing, in that of another program or of an old version.
func dataOf(file *weightsFile, spec Spec) (data Data, err error) {
	if text, ok := file.metadata[dataKey]; ok {
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			return data, fmt.Errorf("its metadata %.200q describe no data: %w", text, err)
		}
	}
	if n := len(data.Classes); n > 0 && n != spec.Classes {
		return data, fmt.Errorf("its metadata name %d classes, and the network has %d", n, spec.Classes)
	}
	if f := data.Frame; f != nil && (f.Rows != spec.Rows || f.Cols != spec.Cols) {
		return data, fmt.Errorf("its metadata prepare pictures of %dx%d pixels, and the network takes %dx%d", f.Rows, f.Cols, spec.Rows, spec.Cols)
	}
	if f := data.Frame; f != nil && f.Validate() != nil {
		return data, f.Validate()
	}
	if data.First != 0 && data.First != 1 {
		return data, fmt.Errorf("its metadata say that labels begin at %d, and they begin at 0 or 1", data.First)
	}
	seen := map[string]bool{}
	for _, name := range data.Classes {
		if seen[name] {
			return data, fmt.Errorf("its metadata name two classes %.100q", name)
		}
		seen[name] = true
		if strings.ContainsFunc(name, unicode.IsControl) { // a terminal would obey them
			return data, fmt.Errorf("its metadata name a class %.100q, with control characters", name)
		}
	}
	return data, nil
}

// takeShapes sets what the shapes of the tensors determine.
func (s *Spec) takeShapes(file *weightsFile) error {
	if err := s.checkNames(file); err != nil {
		return err
	}
	for name, width := range map[string]*int{
		"conv1.bias": &s.Channels[0], "conv2.bias": &s.Channels[1], "fc1.bias": &s.Hidden[0], "fc2.bias": &s.Hidden[1], "fc3.bias": &s.Classes,
	} {
		shape := file.tensors[name].Shape()
		if len(shape) != 1 || shape[0] < 1 || shape[0] > maxFile {
			return fmt.Errorf("its %s is %v, and not a vector", name, shape)
		}
		*width = int(shape[0])
	}
	return nil
}

// SameWidths says whether two networks have layers of the same widths.
func (s Spec) SameWidths(other Spec) bool {
	return s.Channels == other.Channels && s.Hidden == other.Hidden && s.Classes == other.Classes
}
