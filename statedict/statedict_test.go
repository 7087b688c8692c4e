package statedict

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	tensors := []Tensor{
		{"a", []int64{2, 3}, []float32{1, -2, 3.5, float32(math.Inf(1)), math.SmallestNonzeroFloat32, 0}},
		{"b.momentum", []int64{1}, []float32{7}},
	}
	metadata := map[string]string{"key": "{\"a\": \"ö\\n\"}"}
	file, err := Encode(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	got, meta, err := Decode(file, 1<<20)
	if err != nil || !reflect.DeepEqual(got, map[string]Tensor{"a": tensors[0], "b.momentum": tensors[1]}) || !reflect.DeepEqual(meta, metadata) {
		t.Errorf("%+v, %q, error %v", got, meta, err)
	}
	if again, err := Encode([]Tensor{tensors[1], tensors[0]}, metadata); err != nil || !reflect.DeepEqual(again, file) {
		t.Errorf("the bytes depend on the order of the tensors (%v)", err)
	}
	if _, err := Encode([]Tensor{{"a", []int64{3}, []float32{1}}}, nil); err == nil {
		t.Error("a shape that does not fit its values is encoded")
	}
	for name, c := range map[string]struct {
		file    []byte
		longest uint64
		want    string
	}{
		"cut":              {file[:len(file)-1], 1 << 20, "not a whole safetensors file"},
		"no header":        {file[:7], 1 << 20, "ends before its header"},
		"long header":      {file, 10, "headers of at most 10 are read"},
		"enormous header":  {append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), file[8:]...), math.MaxUint64, "said to be 18446744073709551615 bytes long"},
		"another type":     {[]byte(strings.Replace(string(file), `"F32"`, `"I32"`, 1)), 1 << 20, "and not F32"},
		"overlapping":      {[]byte(strings.Replace(string(file), `[0,24]`, `[4,28]`, 1)), 1 << 20, "not a whole safetensors file"},
		"another's length": {[]byte(strings.Replace(string(file), `[2,3]`, `[9,9]`, 1)), 1 << 20, "not a whole safetensors file"},
	} {
		if _, _, err := Decode(c.file, c.longest); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
