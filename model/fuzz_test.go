package model

import (
	"encoding/binary"
	"path/filepath"
	"reflect"
	"testing"

	"lenet/badfile"
	"lenet/compute"
	"lenet/statedict"
	"lenet/torchx"
)

// weightsBound is of a file of so many bytes, of which the header, in JSON, takes many times its length.
func weightsBound(file []byte) badfile.Bound {
	bound := badfile.Bound{Times: 3, Plus: 1 << 20}
	if len(file) >= 8 {
		bound.Plus += 200 * int(min(binary.LittleEndian.Uint64(file), uint64(len(file)), maxHeader))
	}
	return bound
}

// FuzzWeights reads a weights file, with what a reader may know besides, and makes the network of one that is accepted.
func FuzzWeights(f *testing.F) {
	saved := filepath.Join(f.TempDir(), "model.safetensors")
	f.Fuzz(func(t *testing.T, content []byte, activation string, rows, cols uint8) {
		known := Spec{Activation: activation, Rows: int(rows), Cols: int(cols)}
		var file *weightsFile
		var spec Spec
		var values [][]float32
		var data Data
		var err error
		weightsBound(content).Hold(t, len(content), func() {
			if file, err = parseFile("model.safetensors", content); err == nil {
				spec, values, data, err = file.network(known)
			}
		})
		if err != nil {
			if n := len(err.Error()); n > 12*statedict.LongestName+2000 {
				t.Fatalf("an error of %d bytes: %.300v", n, err)
			}
			return
		}
		checkNetwork(t, spec, values, data)
		if total := magnitudeOf(spec); total > 1<<16 {
			return // nothing depends on the sizes but time
		}
		n, err := New(spec, Options{Kernels: compute.Fused, Device: "cpu"})
		if err != nil {
			t.Fatalf("%+v: %v", spec, err)
		}
		defer n.Close()
		n.Data = data
		if err := n.setWeights(values); err != nil {
			t.Fatal(err)
		}
		logits := make([]float32, spec.Classes)
		if err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.Read(logits, n.Forward(s, torchx.Bytes(s, make([]uint8, spec.Rows*spec.Cols), 1, 1, int64(spec.Rows), int64(spec.Cols))))
		}); err != nil {
			t.Fatal(err)
		}
		if err := n.Save(saved); err != nil {
			t.Fatal(err)
		}
		if file, err = readFile(saved); err != nil {
			t.Fatal(err)
		}
		spec2, values2, data2, err := file.network(Spec{})
		if err != nil || spec2 != spec || !reflect.DeepEqual(values2, values) || !reflect.DeepEqual(data2, data) {
			t.Fatalf("saved and read again: %+v %+v, was %+v %+v, error %v", spec2, data2, spec, data, err)
		}
	})
}

// magnitudeOf returns the largest of the numbers of values that the layers yield and of weights that they have.
func magnitudeOf(s Spec) (largest float64) {
	for _, l := range s.layers().inOrder() {
		largest = max(largest, magnitude(l.weight), magnitude(l.output))
	}
	return largest
}

func checkNetwork(t *testing.T, spec Spec, values [][]float32, data Data) {
	t.Helper()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, p := range spec.shapes() {
		if int64(len(values[i])) != product(p.Shape) {
			t.Fatalf("%s is %v, and has %d values", p.Name, p.Shape, len(values[i]))
		}
		for _, v := range values[i] {
			if v-v != 0 {
				t.Fatalf("%s has a value that is %v", p.Name, v)
			}
		}
	}
	if n := len(data.Classes); n != 0 && n != spec.Classes {
		t.Fatalf("%d names of %d classes", n, spec.Classes)
	}
	if data.Frame != nil && data.Frame.Validate() != nil {
		t.Fatal(data.Frame.Validate())
	}
}
