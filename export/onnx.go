package export

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"lenet/export/onnx"
	"lenet/model"
	"lenet/statedict"
)

// The versions that the file asks of its reader. Readers since 2022 know them (ONNX 1.12, onnxruntime 1.12).
const (
	irVersion    = 8
	opsetVersion = 17
)

// ONNX returns a network as the bytes of an ONNX model (https://onnx.ai). The batch size N is free:
//
//	images  [N, 1, Rows, Cols]  as the options' Input says
//	logits  [N, Classes]        float32; with Softmax they are called probabilities
//
// Its initializers have the names, shapes and values of the parameters; with Quantize a weight is made of two of them, with "_quantized" and "_scale"
// behind its name. Its metadata are those of a weights file. The same network and options yield the same bytes. version is that of the program, for
// the reader.
//
// Errors: those of the options; an activation that has no operators here.
func ONNX(n *model.LeNet, o Options, version string) ([]byte, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	g := new(graph)
	for _, p := range n.Parameters() {
		values, err := p.Values()
		if err != nil {
			return nil, err
		}
		if o.Quantize != "" && isQuantized(&p) {
			g.quantized(p.Name, p.Shape, values)
			continue
		}
		g.initializer(p.Name, p.Shape, values)
	}
	if err := g.network(n.Spec, o); err != nil {
		return nil, err
	}
	metadata, err := n.Metadata()
	if err != nil {
		return nil, err
	}
	m := &onnx.ModelProto{
		IrVersion: proto.Int64(irVersion), OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(opsetVersion)}},
		ProducerName: proto.String("lenet"), ProducerVersion: proto.String(version),
		DocString: proto.String("A LeNet. " + o.Describe(n.Spec)),
		Graph: &onnx.GraphProto{
			Name: proto.String("lenet"), Node: g.nodes, Initializer: g.initializers,
			Input:  []*onnx.ValueInfoProto{value(input, elementType(o.Input), 1, n.Rows, n.Cols)},
			Output: []*onnx.ValueInfoProto{value(o.output(), onnx.TensorProto_FLOAT, n.Classes)},
		},
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		m.MetadataProps = append(m.MetadataProps, &onnx.StringStringEntryProto{Key: &key, Value: proto.String(metadata[key])})
	}
	file, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return file, nil
}

// network adds the operators, from the input to the output, in the report's order.
func (g *graph) network(spec model.Spec, o Options) error {
	activation, known := activations[spec.Activation]
	if !known {
		return fmt.Errorf("export: the activation %s has no ONNX operators yet: export/activation.go has those of %v", spec.Activation, slices.Sorted(maps.Keys(activations)))
	}
	parameters := func(layer, x string) []string { return []string{x, layer + ".weight", layer + ".bias"} }
	convolution := func(number, x string) string {
		x = activation(g, g.node("Conv", "conv"+number, parameters("conv"+number, x)))
		return g.node("MaxPool", "pool"+number, []string{x}, integers("kernel_shape", model.Window, model.Window), integers("strides", model.Window, model.Window))
	}
	linear := func(layer, output, x string) string { // the weight is [out, in]
		return g.node("Gemm", output, parameters(layer, x), integer("transB", 1))
	}
	x := input
	if o.Input == uint8Input {
		x = g.node("Cast", "float", []string{x}, integer("to", int64(onnx.TensorProto_FLOAT)))
		x = g.node("Div", "scaled", []string{x, g.constant("scaled.by", 255)})
	}
	x = convolution("2", convolution("1", x))
	x = g.node("Flatten", "flat", []string{x}, integer("axis", 1))
	x = activation(g, linear("fc1", "fc1", x))
	x = activation(g, linear("fc2", "fc2", x))
	if !o.Softmax {
		linear("fc3", o.output(), x)
		return nil
	}
	g.node("Softmax", o.output(), []string{linear("fc3", "logits", x)}, integer("axis", 1))
	return nil
}

// elementType returns ONNX's number of a type of pixels.
func elementType(input string) onnx.TensorProto_DataType {
	if input == uint8Input {
		return onnx.TensorProto_UINT8
	}
	return onnx.TensorProto_FLOAT
}

// value describes a tensor whose first dimension is the batch size.
func value(name string, of onnx.TensorProto_DataType, dims ...int) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{Dim: []*onnx.TensorShapeProto_Dimension{{Value: &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "N"}}}}
	for _, d := range dims {
		shape.Dim = append(shape.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}})
	}
	tensor := &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(of)), Shape: shape}
	return &onnx.ValueInfoProto{Name: &name, Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: tensor}}}
}

// A graph is that of a model while it is made.
type graph struct {
	nodes        []*onnx.NodeProto
	initializers []*onnx.TensorProto
}

// initializer adds a tensor of float32.
func (g *graph) initializer(name string, shape []int64, values []float32) {
	g.initializers = append(g.initializers, &onnx.TensorProto{
		Name: &name, Dims: shape, DataType: proto.Int32(int32(onnx.TensorProto_FLOAT)), RawData: statedict.Bytes(values),
	})
}

// quantized adds a weight as int8 and a scale for each of its first dimension, and the operator that multiplies them.
func (g *graph) quantized(name string, shape []int64, values []float32) {
	numbers, scales := quantized(values, int(shape[0]))
	raw := make([]byte, len(numbers))
	for i, q := range numbers {
		raw[i] = byte(q)
	}
	g.initializers = append(g.initializers, &onnx.TensorProto{
		Name: proto.String(name + "_quantized"), Dims: shape, DataType: proto.Int32(int32(onnx.TensorProto_INT8)), RawData: raw,
	})
	g.initializer(name+"_scale", shape[:1], scales)
	g.node("DequantizeLinear", name, []string{name + "_quantized", name + "_scale"}, integer("axis", 0))
}

// node adds an operator, and returns the name of what it yields, which is the operator's, too.
func (g *graph) node(operator, output string, inputs []string, attributes ...*onnx.AttributeProto) string {
	g.nodes = append(g.nodes, &onnx.NodeProto{Name: &output, OpType: &operator, Input: inputs, Output: []string{output}, Attribute: attributes})
	return output
}

// constant adds a number, and returns its name. It is no initializer, so that these are the network's parameters and nothing else.
func (g *graph) constant(name string, v float32) string {
	return g.node("Constant", name, nil, &onnx.AttributeProto{Name: proto.String("value_float"), Type: onnx.AttributeProto_FLOAT.Enum(), F: &v})
}

func integer(name string, v int64) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: &name, Type: onnx.AttributeProto_INT.Enum(), I: &v}
}

func integers(name string, v ...int64) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: &name, Type: onnx.AttributeProto_INTS.Enum(), Ints: v}
}
