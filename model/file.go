package model

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"lenet/statedict"
)

// maxFile is larger than any checkpoint of a LeNet: other files are refused unread.
const maxFile = 1 << 30

// maxHeader is longer than the header of a LeNet's weights with the names of 256 classes: parsing one takes some hundred times its length.
const maxHeader = 1 << 20

// A weightsFile is a safetensors file that was read.
type weightsFile struct {
	metadata map[string]string
	tensors  map[string]safetensors.TensorView // by name, without the prefix
	prefix   string                            // of all names, as "module."; empty: there is none
}

// readFile reads a weights file. Its errors name the file.
func readFile(path string) (*weightsFile, error) {
	content, err := statedict.ReadFile(path, maxFile, "not a weights file of a LeNet")
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return parseFile(path, content)
}

// parseFile is readFile for a file's bytes, which the tensors stay views of.
func parseFile(path string, content []byte) (*weightsFile, error) {
	if err := foreign(path, content); err != nil {
		return nil, err
	}
	if bytes.Contains(content[:min(len(content), maxHeader)], []byte(`"`+statedict.CheckpointKey+`"`)) { // its header may be longer
		return nil, &CheckpointError{path}
	}
	all, metadata, err := statedict.Views(content, maxHeader)
	if err != nil {
		return nil, fmt.Errorf("model: %s: it is not a whole safetensors file: %w", path, err)
	}
	f := &weightsFile{metadata: metadata, tensors: map[string]safetensors.TensorView{}, prefix: commonPrefix(all.Names())}
	for _, t := range all.Tensors() {
		f.tensors[strings.TrimPrefix(t.Name, f.prefix)] = t.TensorView
	}
	return f, nil
}

// A CheckpointError says that a file is a run's checkpoint, in place of weights.
type CheckpointError struct{ Path string }

func (e *CheckpointError) Error() string {
	return fmt.Sprintf("model: %s: it is a checkpoint, which holds the optimizer's state too", e.Path)
}

// commonPrefix returns the parts, each with its dot, that all names begin with: a module that wraps the network puts them before the names, as
// "module." of DataParallel and "_orig_mod." of torch.compile.
func commonPrefix(names []string) string {
	if len(names) == 0 {
		return ""
	}
	prefix := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, prefix) || prefix != "" && !strings.HasSuffix(prefix, ".") {
			prefix = prefix[:strings.LastIndexByte(prefix[:len(prefix)-1], '.')+1]
		}
	}
	return prefix
}

// weightsOf returns the values of the network's parameters, in their order, once the whole file fits the network.
func (s Spec) weightsOf(f *weightsFile) ([][]float32, error) {
	params := s.shapes()
	if err := s.checkNames(f); err != nil {
		return nil, err
	}
	values := make([][]float32, len(params))
	for i, p := range params {
		view := f.tensors[p.Name]
		decode := decoders[view.DType()]
		if decode == nil || !slices.Equal(signed(view.Shape()), p.Shape) {
			return nil, fmt.Errorf("its %s is %v %v, and the network for %dx%d images has F32 %v", p.Name, view.DType(), view.Shape(), s.Rows, s.Cols, p.Shape)
		}
		values[i] = decode(view.Data())
		unusable := 0
		for _, v := range values[i] {
			if v-v != 0 { // NaN or infinite
				unusable++
			}
		}
		if unusable > 0 {
			return nil, &NotFiniteError{p.Name, unusable, len(values[i])}
		}
	}
	return values, nil
}

// checkNames returns an error unless the file's tensors have the names of the network's parameters, and no others.
func (s Spec) checkNames(f *weightsFile) error {
	var missing []string
	others := maps.Clone(f.tensors)
	for _, p := range s.shapes() {
		if _, ok := others[p.Name]; !ok {
			missing = append(missing, p.Name)
		}
		delete(others, p.Name)
	}
	extra := slices.Sorted(maps.Keys(others))
	for i := range extra {
		extra[i] = f.prefix + extra[i]
	}
	switch {
	case len(missing) > 0 && len(extra) > 0:
		return fmt.Errorf("it has no tensor %s of a LeNet, and has %s", listed(missing), listed(extra))
	case len(missing) > 0:
		return fmt.Errorf("it has no tensor %s", listed(missing))
	case len(extra) > 0:
		return fmt.Errorf("beside a LeNet's tensors it has %s: it is another network", listed(extra))
	}
	return nil
}

// listed returns names with commas between them; of many, the first.
func listed(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// A NotFiniteError says that weights are NaN or infinite, as those of a training that diverged.
type NotFiniteError struct {
	Tensor    string
	Count, Of int // how many of the tensor's values
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("%d of the %d values of its %s are NaN or infinite", e.Count, e.Of, e.Tensor)
}

// decoders convert a tensor's bytes, little-endian and whole, to float32, by its type.
var decoders = map[safetensors.DType]func([]byte) []float32{
	safetensors.F32: func(b []byte) []float32 {
		return decoded(b, 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
	},
	safetensors.F64: func(b []byte) []float32 {
		return decoded(b, 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) })
	},
	safetensors.F16: func(b []byte) []float32 {
		return decoded(b, 2, func(b []byte) float32 { return fromHalf(binary.LittleEndian.Uint16(b)) })
	},
	safetensors.BF16: func(b []byte) []float32 { // the high half of a float32
		return decoded(b, 2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) })
	},
}

func decoded(b []byte, size int, value func([]byte) float32) []float32 {
	values := make([]float32, 0, len(b)/size)
	for element := range slices.Chunk(b, size) {
		values = append(values, value(element))
	}
	return values
}

// fromHalf returns the value of a float16: a sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16).
func fromHalf(bits uint16) float32 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	sign := 1.0
	if bits>>15 != 0 {
		sign = -1
	}
	switch {
	case exponent == 0x1f && fraction != 0:
		return float32(math.NaN())
	case exponent == 0x1f:
		return float32(math.Inf(cmp.Compare(sign, 0)))
	case exponent > 0:
		fraction += 0x400
	}
	return float32(math.Copysign(math.Ldexp(fraction, max(exponent, 1)-25), sign))
}

func signed(shape []uint64) []int64 {
	dims := make([]int64, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	return dims
}
