package model_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/compute"
	"lenet/model"
)

// A tensor is one of a file of another program.
type tensor struct {
	DType   string    `json:"dtype"`
	Shape   []int64   `json:"shape"`
	Offsets [2]int    `json:"data_offsets"`
	values  []float32 // not written
}

// tensorsOf returns a network's tensors by name.
func tensorsOf(t *testing.T, net *model.LeNet) map[string]*tensor {
	t.Helper()
	all := map[string]*tensor{}
	for _, p := range net.Parameters() {
		all[p.Name] = &tensor{DType: "F32", Shape: p.Shape, values: values(t, p.Tensor, size(p))}
	}
	return all
}

// write writes a safetensors file without metadata, each tensor in its type.
func write(t *testing.T, tensors map[string]*tensor) string {
	t.Helper()
	var data []byte
	for _, x := range tensors {
		x.Offsets[0] = len(data)
		for _, v := range x.values {
			switch bits := math.Float32bits(v); x.DType {
			case "F64":
				data = binary.LittleEndian.AppendUint64(data, math.Float64bits(float64(v)))
			case "F32", "I32":
				data = binary.LittleEndian.AppendUint32(data, bits)
			case "BF16":
				data = binary.LittleEndian.AppendUint16(data, uint16(bits>>16))
			case "F16":
				data = binary.LittleEndian.AppendUint16(data, half(v))
			case "I64":
				data = binary.LittleEndian.AppendUint64(data, uint64(v))
			}
		}
		x.Offsets[1] = len(data)
	}
	header, err := json.Marshal(tensors)
	if err != nil {
		t.Fatal(err)
	}
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(path, append(file, data...), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// half returns the float16 next to v, towards 0; v is finite and below 65504.
func half(v float32) uint16 {
	sign := uint16(math.Float32bits(v) >> 16 & 0x8000)
	fraction, exponent := math.Frexp(math.Abs(float64(v))) // fraction in [0.5, 1)
	switch {
	case v == 0:
		return sign
	case exponent < -13: // subnormal: units of 2^-24
		return sign | uint16(math.Ldexp(fraction, exponent+24))
	}
	return sign | uint16(exponent+14)<<10 | uint16(math.Ldexp(fraction, 11))&0x3ff
}

func opened(path string, known model.Spec, log func(string)) (*model.LeNet, error) {
	return model.Open(path, known, model.Options{Kernels: compute.Fused, Device: "cpu", Log: log})
}

// float16 has 11 bits of precision, bfloat16 8, both counted with the leading one.
func TestWeightsOfOtherTypesAreConverted(t *testing.T) {
	net := network(t, 1, 28, 28)
	want := all(t, net)
	for name, c := range map[string]struct {
		types     []string
		precision float64 // largest relative error
	}{
		"float64": {[]string{"F64"}, 0}, "float32": {[]string{"F32"}, 0},
		"float16": {[]string{"F16"}, math.Ldexp(1, -10)}, "bfloat16": {[]string{"BF16"}, math.Ldexp(1, -7)},
		"mixed": {[]string{"F16", "BF16", "F32", "F64"}, math.Ldexp(1, -7)},
	} {
		tensors, i := tensorsOf(t, net), 0
		for _, x := range tensors {
			x.DType = c.types[i%len(c.types)]
			i++
		}
		got, err := opened(write(t, tensors), model.Report(), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, v := range all(t, got) {
			// below 2^-14 float16 has no more than steps of 2^-24
			if d := math.Abs(float64(v - want[i])); d > c.precision*math.Abs(float64(want[i])) && d > math.Ldexp(1, -24) {
				t.Errorf("%s: weight %d is %v, want %v", name, i, v, want[i])
				break
			}
		}
		got.Close()
	}
}

// The bits of float16 values, from IEEE 754 (as Wikipedia's table of half-precision examples).
func TestFloat16(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x0001: 5.9604645e-8, 0x03ff: 6.097555e-5, 0x0400: 6.1035156e-5, 0x3555: 0.33325195, 0x3bff: 0.9995117,
		0x3c00: 1, 0x3c01: 1.0009766, 0x7bff: 65504, 0xc000: -2, 0x8001: -5.9604645e-8,
	} {
		if got := model.FromHalf(bits); got != want {
			t.Errorf("%#04x is %v, want %v", bits, got, want)
		}
	}
}

func TestAPrefixOfAllNamesIsDropped(t *testing.T) {
	net := network(t, 1, 28, 28)
	for _, prefix := range []string{"", "module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "a.b.c."} {
		tensors := map[string]*tensor{}
		for name, x := range tensorsOf(t, net) {
			tensors[prefix+name] = x
		}
		var notices []string
		got, err := opened(write(t, tensors), model.Report(), func(line string) { notices = append(notices, line) })
		if err != nil {
			t.Errorf("%q: %v", prefix, err)
			continue
		}
		if !slices.Equal(all(t, got), all(t, net)) {
			t.Errorf("%q: other weights", prefix)
		}
		if told := len(notices) == 1 && strings.Contains(notices[0], `"`+prefix+`"`); told != (prefix != "") {
			t.Errorf("%q: notices %q", prefix, notices)
		}
		got.Close()
	}
}

func TestTensorsThatAreNotALeNetsAreNamed(t *testing.T) {
	net := network(t, 1, 28, 28)
	renamed := func(old ...string) map[string]*tensor { // old and new parts of names
		tensors := map[string]*tensor{}
		for name, x := range tensorsOf(t, net) {
			tensors[strings.NewReplacer(old...).Replace(name)] = x
		}
		return tensors
	}
	whole := renamed()
	whole["bn1.num_batches_tracked"] = &tensor{DType: "I64", Shape: []int64{}, values: []float32{7}}
	integers := renamed()
	integers["conv1.weight"].DType = "I32"
	for _, c := range []struct {
		tensors map[string]*tensor
		want    string
	}{
		{renamed("fc1", "dense"), "it has no tensor fc1.weight, fc1.bias of a LeNet, and has dense.bias, dense.weight"},
		{renamed("conv", "module.conv", "fc3", "module.head", "fc", "module.fc"), "it has no tensor fc3.weight, fc3.bias of a LeNet, and has module.head.bias, module.head.weight"},
		{renamed("conv", "features.", "fc", "classifier."), "has classifier.1.bias, classifier.1.weight, classifier.2.bias"},
		{whole, "beside a LeNet's tensors it has bn1.num_batches_tracked: it is another network"},
		{integers, "its conv1.weight is I32 [6 1 5 5], and the network for 28x28 images has F32 [6 1 5 5]"},
		{map[string]*tensor{}, "it has no tensor conv1.weight"},
	} {
		if _, err := opened(write(t, c.tensors), model.Report(), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestWeightsThatAreNotFiniteAreRefused(t *testing.T) {
	net := network(t, 1, 28, 28)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, dtype := range []string{"F32", "F64", "BF16"} {
			tensors := tensorsOf(t, net)
			tensors["fc2.weight"].DType = dtype
			tensors["fc2.weight"].values[1], tensors["fc2.weight"].values[100] = float32(v), float32(v)
			path := write(t, tensors)
			if _, err := opened(path, model.Report(), nil); err == nil || !strings.Contains(err.Error(), path+": 2 of the 10080 values of its fc2.weight are NaN or infinite") {
				t.Errorf("%v in %s: error %v", v, dtype, err)
			}
			before := all(t, net)
			if err := net.Load(path); err == nil || !slices.Equal(before, all(t, net)) {
				t.Errorf("%v in %s: Load's error %v, or it changed the network", v, dtype, err)
			}
		}
	}
}

func TestFilesOfOtherFormatsAreNamed(t *testing.T) {
	zipped := func(names ...string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range names {
			if _, err := w.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, c := range []struct {
		name, format, python string
		file                 []byte
	}{
		{"net.pt", "a PyTorch checkpoint", "torch.load(", zipped("net/data.pkl", "net/data/0")},
		{"script.pt", "a TorchScript model", "torch.jit.load(", zipped("script/data.pkl", "script/constants.pkl")},
		{"a friend's.pth", "a Python pickle", "torch.load(", []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")},
		{"cut.bin", "a zip archive that is not whole", "", []byte("PK\x03\x04\x00\x00\x08\x08\x00\x00")},
		{"old-cut.pth", "a Python pickle", "torch.load(", []byte("\x80\x02\x8a\nl")},
		{"net.npz", "a NumPy archive", "", zipped("conv1.npy")},
		{"pictures.zip", "a zip archive", "", zipped("1.png")},
		{"metrics.jsonl", "JSON", "", []byte(`{"epoch":1,"loss":0.5}`)},
		{"config.json", "JSON", "", []byte("{\n  \"lr\": 0.5\n}\n")},
		{"short.json", "JSON", "", []byte("{}")},
		{"a.png", "a picture (image/png)", "", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")},
		{"a.jpg", "a picture (image/jpeg)", "", []byte("\xff\xd8\xff\xe0\x00\x10JFIF")},
		{"page.safetensors", "an HTML page", "", []byte("\n<!DOCTYPE html>\n<html lang=en>")},
		{"pointer.safetensors", "a Git LFS pointer, in place of the file that git lfs pull fetches", "", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 178504\n")},
		{"readme.txt", "text", "", []byte("these are not weights, this is prose")},
		{"spaces.txt", "text", "", []byte("   \n")},
		{"empty", "empty", "", nil},
		{"net.gz", "of the type application/x-gzip", "", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")},
		{"noise", "of a format that is not known", "", []byte("\xfe\xdc\xba\x98\x76\x54\x32\x10\x00\x01")},
		{"net.onnx", "an ONNX model", "onnx.load(", []byte("\x08\x08\x12\x07pytorch\x1a\x05")},
		{"net.gguf", "a GGUF file", "", []byte("GGUF\x03\x00\x00\x00\x01\x00")},
		{"net.h5", "an HDF5 file", "", []byte("\x89HDF\r\n\x1a\n\x00\x00")},
		{"net.npy", "a NumPy array", "", []byte("\x93NUMPY\x01\x00v\x00")},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, c.file, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := opened(path, model.Report(), nil)
		if err == nil || !strings.Contains(err.Error(), path+": it is "+c.format) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.format)
			continue
		}
		foreign := err.(*model.ForeignError)
		if !strings.Contains(foreign.Python, c.python) || (c.python == "") != (foreign.Python == "") {
			t.Errorf("%s: Python %q, want %q", c.name, foreign.Python, c.python)
		}
		if strings.Contains(foreign.Python, "'") { // it stands between two of them in a shell
			t.Errorf("%s: Python %q", c.name, foreign.Python)
		}
		if weights := strings.HasPrefix(c.name, "net.") && c.name != "net.gz" || c.python != "" || c.name == "cut.bin" || c.name == "pictures.zip"; foreign.Weights != weights {
			t.Errorf("%s: it may hold weights: %v", c.name, foreign.Weights)
		}
		if base := strings.ReplaceAll(strings.TrimSuffix(path, filepath.Ext(path)), "'", `\x27`); c.python != "" && !strings.Contains(foreign.Python, `"`+base+`.safetensors"`) {
			t.Errorf("%s: Python %q does not write %s.safetensors", c.name, foreign.Python, base)
		}
	}
}
