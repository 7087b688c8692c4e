package model_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/model"
)

func all(t testing.TB, net *model.LeNet) (v []float32) {
	t.Helper()
	for _, p := range net.Parameters() {
		v = append(v, values(t, p.Tensor, size(p))...)
	}
	return v
}

func TestLoadGivesBackWhatSaveWrote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	a, b := network(t, 1, 28, 28), network(t, 2, 28, 28)
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	if err := b.Load(path); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(all(t, a), all(t, b)) {
		t.Error("the weights differ")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("beside the file there are %q", left)
	}
}

func TestLoadRefusesWhatDoesNotFitAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	if err := network(t, 1, 28, 28).Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := network(t, 1, 32, 32).Save(path); err != nil {
		t.Fatal(err)
	}
	larger, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(from, to string) []byte {
		t.Helper()
		if len(from) != len(to) || !bytes.Contains(whole, []byte(from)) {
			t.Fatalf("cannot put %q for %q", to, from)
		}
		return bytes.Replace(whole, []byte(from), []byte(to), 1)
	}
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "not a whole safetensors file", nil},
		{"cut in the length", "not a whole safetensors file", whole[:7]},
		{"cut in the header", "not a whole safetensors file", whole[:100]},
		{"cut in the data", "not a whole safetensors file", whole[:len(whole)-1]},
		{"too long", "not a whole safetensors file", append(slices.Clone(whole), 0)},
		{"huge header", "not a whole safetensors file", binary.LittleEndian.AppendUint64(nil, 1<<63)},
		{"text", "not a whole safetensors file", []byte("these are not weights, this is prose")},
		{"another shape", "fc1.weight is F32 [120 400], and the network for 28x28 images has F32 [120 256]", larger},
		{"same size, another shape", "conv1.weight", replaced("[6,1,5,5]", "[6,5,1,5]")},
		{"another type", "fc3.bias is I32", replaced(`"fc3.bias":{"dtype":"F32"`, `"fc3.bias":{"dtype":"I32"`)},
		{"another name", "no tensor fc2.bias", replaced("fc2.bias", "fc9.bias")},
	} {
		t.Run(c.name, func(t *testing.T) {
			net := network(t, 5, 28, 28)
			before := all(t, net)
			if err := os.WriteFile(path, c.file, 0o666); err != nil {
				t.Fatal(err)
			}
			err := net.Load(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want the file and %q", err, c.want)
			}
			if !slices.Equal(before, all(t, net)) {
				t.Error("the network changed")
			}
		})
	}
	net := network(t, 5, 28, 28)
	for _, path := range []string{filepath.Join(dir, "none"), dir, os.DevNull} {
		if err := net.Load(path); err == nil {
			t.Errorf("%s was loaded", path)
		}
	}
}

func TestSaveLeavesTheOldFileWhereItFails(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root may write everywhere: a folder in the file's place stands for one that cannot be written")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	if err := os.MkdirAll(filepath.Join(path, "occupied"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := network(t, 1, 28, 28).Save(path); err == nil {
		t.Error("a folder was overwritten")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("it left %q", left)
	}
}
