package model_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/compute"
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
		{"empty", "it is empty", nil},
		{"cut in the length", "of a format that is not known", whole[:7]},
		{"cut in the header", "not a whole safetensors file", whole[:100]},
		{"cut in the data", "not a whole safetensors file", whole[:len(whole)-1]},
		{"too long", "not a whole safetensors file", append(slices.Clone(whole), 0)},
		{"huge header", "of a format that is not known", binary.LittleEndian.AppendUint64(nil, 1<<63)},
		{"text", "it is text, and weights are read from safetensors files", []byte("these are not weights, this is prose")},
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

// bare returns weights as another program writes them: without lenet's metadata, or with those of an old version.
func bare(t *testing.T, spec model.Spec, metadata string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := networkOf(t, spec, compute.Fused, 1).Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]json.RawMessage
	size := binary.LittleEndian.Uint64(whole)
	if err := json.Unmarshal(whole[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	header["__metadata__"] = json.RawMessage(metadata)
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	if err := os.WriteFile(path, append(file, whole[8+size:]...), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileSaysWhichNetworkItHolds(t *testing.T) {
	spec := model.Spec{Rows: 20, Cols: 30, Channels: [2]int{3, 5}, Hidden: [2]int{17, 11}, Classes: 26, Activation: "tanh"}
	whole := filepath.Join(t.TempDir(), "model.safetensors")
	if err := networkOf(t, spec, compute.Fused, 1).Save(whole); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		known      model.Spec
		want       string // in the error, or empty
	}{
		{"whole", whole, model.Spec{}, ""},
		{"whole, and the reader thinks otherwise", whole, model.Spec{Rows: 28, Cols: 28, Activation: "relu"}, ""},
		{"old", bare(t, spec, `{"activation":"tanh"}`), model.Spec{Rows: 20, Cols: 30}, ""},
		{"another program's", bare(t, spec, `{}`), model.Spec{Rows: 20, Cols: 30, Activation: "tanh"}, ""},
		{"another program's, of images like them", bare(t, spec, `{}`), model.Spec{Rows: 20, Cols: 40, Activation: "tanh"}, "the network for 20x40 images has F32 [17 70]"},
		{"without an activation", bare(t, spec, `{}`), model.Spec{Rows: 20, Cols: 30}, "activation"},
		{"without a size", bare(t, spec, `{}`), model.Spec{Activation: "tanh"}, "image size"},
		{"a later version's", bare(t, spec, `{"activation":"no-such"}`), model.Spec{Rows: 20, Cols: 30}, `"no-such"`},
		{"broken", bare(t, spec, `{"lenet":"{"}`), model.Spec{}, "describe no network"},
		{"widths that are not the tensors'", bare(t, spec, `{"lenet":"{\"rows\":20,\"cols\":30,\"channels\":[3,5],\"hidden\":[1000000000,11],\"classes\":26,\"activation\":\"tanh\"}"}`), model.Spec{}, "fc1.weight"},
	} {
		net, err := model.Open(c.path, c.known, model.Options{Kernels: compute.Fused, Device: "cpu"})
		if err == nil {
			if net.Spec != spec {
				t.Errorf("%s: %+v, want %+v", c.name, net.Spec, spec)
			}
			net.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// All names would be shifted, a confusion matrix have two rows of one name, or pictures not fit the network.
func TestMetadataThatDoNotFitTheNetworkAreRefused(t *testing.T) {
	three, one := model.Report(), model.Report()
	three.Classes, one.Classes = 3, 1
	metadata := func(names string) string {
		return `{"activation":"sigmoid","lenet_data":"{\"classes\":[` + strings.ReplaceAll(names, "'", `\"`) + `]}"}`
	}
	for _, c := range []struct {
		path string
		want string // in the error, or empty
	}{
		{bare(t, three, metadata("'a','b','c'")), ""},
		{bare(t, three, metadata("")), ""},
		{bare(t, three, metadata("'a','b'")), "its metadata name 2 classes, and the network has 3"},
		{bare(t, three, metadata("'a','b','c','d'")), "its metadata name 4 classes, and the network has 3"},
		{bare(t, three, metadata("'a','b','a'")), `its metadata name two classes "a"`},
		{bare(t, three, `{"activation":"sigmoid","lenet_data":"{\"frame\":{\"rows\":28,\"cols\":28,\"box_rows\":20,\"box_cols\":20}}"}`), ""},
		{bare(t, three, `{"activation":"sigmoid","lenet_data":"{\"frame\":{\"rows\":14,\"cols\":28,\"box_rows\":9,\"box_cols\":9}}"}`), "its metadata prepare pictures of 14x28 pixels"},
		{bare(t, one, `{"activation":"sigmoid"}`), "its last layer has 1 class"},
		{bare(t, one, `{"lenet":"{\"rows\":28,\"cols\":28,\"channels\":[6,16],\"hidden\":[120,84],\"classes\":1,\"activation\":\"sigmoid\"}"}`), "its last layer has 1 class"},
	} {
		net, err := opened(c.path, model.Report(), nil)
		if err == nil {
			net.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.path+": "+c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
