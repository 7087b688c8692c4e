package export_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"lenet/compute"
	"lenet/export"
	"lenet/export/onnx"
	"lenet/model"
	"lenet/option"
	"lenet/picture"
)

// network returns one for images of 20x24 pixels in three classes.
func network(t *testing.T, activation string) *model.LeNet {
	t.Helper()
	spec := model.Spec{Rows: 20, Cols: 24, Channels: [2]int{3, 5}, Hidden: [2]int{7, 11}, Classes: 3, Activation: activation}
	n, err := model.New(spec, model.Options{Kernels: compute.Reference, Device: compute.CPU, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	frame := picture.MNIST(20, 24)
	n.Data = model.Data{Classes: []string{"shirt", "coat", "bag"}, First: 1, Frame: &frame}
	return n
}

// exported returns a network's ONNX model.
func exported(t *testing.T, n *model.LeNet, o export.Options) *onnx.ModelProto {
	t.Helper()
	file, err := export.ONNX(n, o, "v1")
	if err != nil {
		t.Fatal(err)
	}
	m := new(onnx.ModelProto)
	if err := proto.Unmarshal(file, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// shape returns a value's name and dimensions; a negative one is free.
func shape(v *onnx.ValueInfoProto) (name string, of onnx.TensorProto_DataType, dims []int64) {
	tensor := v.GetType().GetTensorType()
	for _, d := range tensor.GetShape().GetDim() {
		if d.GetDimParam() != "" {
			dims = append(dims, -1)
			continue
		}
		dims = append(dims, d.GetDimValue())
	}
	return v.GetName(), onnx.TensorProto_DataType(tensor.GetElemType()), dims
}

func TestTheBatchSizeIsFreeAndTheRestAsTheOptionsSay(t *testing.T) {
	n := network(t, "relu")
	for _, c := range []struct {
		o      export.Options
		in     onnx.TensorProto_DataType
		output string
		last   string // operator
	}{
		{export.Defaults(), onnx.TensorProto_FLOAT, "logits", "Gemm"},
		{export.Options{Format: "onnx", Input: "uint8"}, onnx.TensorProto_UINT8, "logits", "Gemm"},
		{export.Options{Format: "onnx", Input: "float32", Softmax: true}, onnx.TensorProto_FLOAT, "probabilities", "Softmax"},
	} {
		g := exported(t, n, c.o).GetGraph()
		if len(g.GetInput()) != 1 || len(g.GetOutput()) != 1 {
			t.Fatalf("%+v: %d inputs, %d outputs", c.o, len(g.GetInput()), len(g.GetOutput()))
		}
		if name, of, dims := shape(g.GetInput()[0]); name != "images" || of != c.in || !slices.Equal(dims, []int64{-1, 1, 20, 24}) {
			t.Errorf("%+v: the input is %s, %v %v", c.o, name, of, dims)
		}
		if name, of, dims := shape(g.GetOutput()[0]); name != c.output || of != onnx.TensorProto_FLOAT || !slices.Equal(dims, []int64{-1, 3}) {
			t.Errorf("%+v: the output is %s, %v %v", c.o, name, of, dims)
		}
		last := g.GetNode()[len(g.GetNode())-1]
		if last.GetOpType() != c.last || last.GetOutput()[0] != c.output {
			t.Errorf("%+v: the last operator is %v", c.o, last)
		}
	}
}

// Readers ask that each value is made once, before it is used, and that all that is made is used.
func TestEveryActivationIsExported(t *testing.T) {
	for _, activation := range model.Names["activations"] {
		g := exported(t, network(t, activation), export.Options{Format: "onnx", Input: "uint8", Softmax: true}).GetGraph()
		unused := map[string]bool{g.GetInput()[0].GetName(): true}
		made := map[string]bool{g.GetInput()[0].GetName(): true}
		for _, i := range g.GetInitializer() {
			made[i.GetName()], unused[i.GetName()] = true, true
		}
		for _, node := range g.GetNode() {
			for _, x := range node.GetInput() {
				if !made[x] {
					t.Errorf("%s: %s takes %s, which is not there yet", activation, node.GetName(), x)
				}
				delete(unused, x)
			}
			for _, y := range node.GetOutput() {
				if made[y] {
					t.Errorf("%s: %s is made twice", activation, y)
				}
				made[y], unused[y] = true, true
			}
		}
		delete(unused, g.GetOutput()[0].GetName())
		if len(unused) > 0 {
			t.Errorf("%s: nothing uses %v", activation, unused)
		}
	}
}

func TestInitializersAndMetadataAreThoseOfTheWeightsFile(t *testing.T) {
	n := network(t, "gelu")
	m := exported(t, n, export.Defaults())
	initializers := m.GetGraph().GetInitializer()
	if len(initializers) != len(n.Parameters()) {
		t.Fatalf("%d initializers", len(initializers))
	}
	for i, p := range n.Parameters() {
		values, err := p.Values()
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for raw := range slices.Chunk(initializers[i].GetRawData(), 4) {
			got = append(got, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
		if initializers[i].GetName() != p.Name || !slices.Equal(initializers[i].GetDims(), p.Shape) || !slices.Equal(got, values) {
			t.Errorf("%s %v differs", initializers[i].GetName(), initializers[i].GetDims())
		}
	}
	want := map[string]string{
		"activation": "gelu",
		"lenet":      `{"rows":20,"cols":24,"channels":[3,5],"hidden":[7,11],"classes":3,"activation":"gelu"}`,
		"lenet_data": `{"classes":["shirt","coat","bag"],"first":1,"frame":{"rows":20,"cols":24,`,
	}
	for _, p := range m.GetMetadataProps() {
		if !strings.HasPrefix(p.GetValue(), want[p.GetKey()]) {
			t.Errorf("%s: %s", p.GetKey(), p.GetValue())
		}
		delete(want, p.GetKey())
	}
	if len(want) > 0 || m.GetProducerName() != "lenet" || m.GetProducerVersion() != "v1" {
		t.Errorf("missing %v; producer %s %s", want, m.GetProducerName(), m.GetProducerVersion())
	}
}

func TestRoundedWeightsAreThoseOfTheQuantizedFile(t *testing.T) {
	n := network(t, "relu")
	before, err := n.Parameters()[4].Values() // fc1.weight
	if err != nil {
		t.Fatal(err)
	}
	g := exported(t, n, export.Options{Format: "onnx", Input: "float32", Quantize: "int8"}).GetGraph()
	initializers := map[string]*onnx.TensorProto{}
	for _, i := range g.GetInitializer() {
		initializers[i.GetName()] = i
	}
	if len(initializers) != 15 || g.GetNode()[0].GetOpType() != "DequantizeLinear" {
		t.Fatalf("%d initializers; the first operator is %v", len(initializers), g.GetNode()[0])
	}
	if err := export.RoundWeights(n); err != nil {
		t.Fatal(err)
	}
	after, err := n.Parameters()[4].Values()
	if err != nil {
		t.Fatal(err)
	}
	numbers, scales := initializers["fc1.weight_quantized"].GetRawData(), initializers["fc1.weight_scale"].GetRawData()
	if len(numbers) != len(after) || len(scales) != 4*7 {
		t.Fatalf("%d numbers, %d bytes of scales", len(numbers), len(scales))
	}
	for i, v := range after {
		scale := math.Float32frombits(binary.LittleEndian.Uint32(scales[4*(i/(len(after)/7)):]))
		if v != float32(int8(numbers[i]))*scale || math.Abs(float64(v-before[i])) > float64(scale)*0.5001 {
			t.Fatalf("weight %d: %v, before %v, in the file %d of %v", i, v, before[i], int8(numbers[i]), scale)
		}
	}
}

func TestTheSameNetworkGivesTheSameBytes(t *testing.T) {
	n := network(t, "gelu")
	first, err := export.ONNX(n, export.Defaults(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		again, err := export.ONNX(n, export.Defaults(), "v1")
		if err != nil || !slices.Equal(first, again) {
			t.Fatalf("%d and %d bytes, error %v", len(first), len(again), err)
		}
	}
}

// An exported network that is given as weights is named as what it is, with the line of Python that turns it back.
func TestAnExportedNetworkIsKnownAsONNX(t *testing.T) {
	file, err := export.ONNX(network(t, "relu"), export.Defaults(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = model.Open(path, model.Spec{}, model.Options{Device: compute.CPU})
	var foreign *model.ForeignError
	if !errors.As(err, &foreign) || foreign.Format != "an ONNX model" || foreign.Python == "" {
		t.Errorf("error %v", err)
	}
}

func TestUnknownNamesAreRefused(t *testing.T) {
	n := network(t, "relu")
	for _, o := range []export.Options{{Format: "gguf", Input: "float32"}, {Format: "onnx", Input: "int4"}, {Format: "onnx", Input: "uint8", Quantize: "int4"}, {}} {
		var usage *option.Error
		if _, err := export.ONNX(n, o, "v1"); !errors.As(err, &usage) {
			t.Errorf("%+v: error %v", o, err)
		}
	}
}

// The Go of docs/export.md is that of examples/classify, whose own test runs it.
func TestTheGoOfTheDocsIsTheExamples(t *testing.T) {
	docs, err := os.ReadFile("../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../examples/classify/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(docs), "```go\n")
	code, _, found := strings.Cut(after, "```")
	if !found || !strings.Contains(strings.ReplaceAll(string(example), "\n\t", "\n"), "\n"+code) {
		t.Errorf("examples/classify/main.go does not have\n%s", code)
	}
}
