// Package model is the report's LeNet: the network, its loss, and its weights in files.
package model

import (
	"fmt"
	"math"
	"sync"

	torch "github.com/wangkuiyi/gotorch"
	"github.com/wangkuiyi/gotorch/nn"
	F "github.com/wangkuiyi/gotorch/nn/functional"
	"github.com/wangkuiyi/gotorch/nn/initializer"

	"lenet/torchx"
)

// Classes is the number of logits: one for each digit.
const Classes = 10

// Kernels name a way to compute the network. The mathematics is the same.
type Kernels string

const (
	Fused     Kernels = "fused"     // layers that follow each other as one operator: [torchx.ConvPool], [torchx.Linear]
	Reference Kernels = "reference" // libtorch's own operators, in the report's order: slow and obvious
)

// Activation names what follows each layer but the last.
type Activation string

const (
	Sigmoid Activation = "sigmoid" // the report's
	Tanh    Activation = "tanh"
	ReLU    Activation = "relu"
)

// Activations are all of them.
var Activations = []Activation{Sigmoid, Tanh, ReLU}

// Options say which LeNet it is, where it is computed and how.
type Options struct {
	Activation Activation
	Kernels    Kernels
	Device     string // "cpu" or "cuda:N"
	Seed       uint64 // of the weights, which are on every device the same
}

// A LeNet is the network of the report (LeCun, Bottou, Bengio, Haffner 1998, with max-pooling and softmax): for images of 28x28
// pixels, 44,426 parameters.
//
// Its tensors live until Close.
type LeNet struct {
	Conv1, Conv2  *nn.Conv2dModule
	FC1, FC2, FC3 *nn.LinearModule
	Options

	rows, cols int
	white      torch.Tensor // [1] float32 on Device: 255, by which forwardReference divides pixels
	scope      torchx.Scope
}

// making is held while weights are drawn: libtorch has one random generator for all threads.
var making sync.Mutex

// New returns a network for images of rows x cols pixels, at least 16 each: after two convolutions and two poolings, that is
// one pixel a channel. Weights are Xavier-uniform, from libtorch's random generator; biases are zero. They are made on the CPU, and moved
// to the device.
func New(rows, cols int, o Options) (*LeNet, error) {
	h, w := convolvedAndPooled(convolvedAndPooled(rows)), convolvedAndPooled(convolvedAndPooled(cols))
	if h < 1 || w < 1 {
		return nil, fmt.Errorf("model: images are %dx%d pixels, and the network needs at least 16x16", rows, cols)
	}
	n := &LeNet{Options: o, rows: rows, cols: cols}
	making.Lock()
	defer making.Unlock()
	if err := torchx.ManualSeed(o.Seed); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	err := torchx.Do(func(*torchx.Scope) error {
		n.Conv1 = nn.Conv2d(1, 6, 5, 1, 0, 1, 1, true, "zeros")
		n.Conv2 = nn.Conv2d(6, 16, 5, 1, 0, 1, 1, true, "zeros")
		n.FC1 = nn.Linear(int64(16*h*w), 120, true)
		n.FC2 = nn.Linear(120, 84, true)
		n.FC3 = nn.Linear(84, Classes, true)
		for _, p := range n.Parameters() {
			n.scope.Own(p.Tensor)
			if len(p.Shape) == 1 {
				initializer.Zeros(&p.Tensor)
			} else {
				xavierUniform(p.Tensor)
			}
			if err := torchx.Move(p.Tensor, o.Device); err != nil {
				return err
			}
		}
		n.white = n.scope.Own(torch.Full([]int64{1}, 255, false))
		return torchx.Move(n.white, o.Device)
	})
	if err != nil {
		n.Close()
		return nil, fmt.Errorf("model: making the network: %w", err)
	}
	return n, nil
}

// convolvedAndPooled returns what a 5x5 convolution and a 2x2 max-pool leave of a side.
func convolvedAndPooled(side int) int { return (side - 4) / 2 }

// xavierUniform fills a weight from U(-a, a) with a = sqrt(6 / (fan in + fan out)) (Glorot, Bengio 2010).
func xavierUniform(w torch.Tensor) {
	fanIn, fanOut := initializer.CalculateFanInAndFanOut(w)
	a := math.Sqrt(6 / float64(fanIn+fanOut))
	initializer.Uniform(&w, -a, a)
}

// Forward returns the logits, [N, 10], of x, [N, 1, rows, cols] uint8 pixels, which it takes as x/255. s owns all that it makes.
// The shapes on the right are those of 28x28 images.
//
// Fused, the activation comes after the pooling, on a quarter of the values: each is monotone, so pool(f(x)) = f(pool(x)), exactly.
func (n *LeNet) Forward(s *torchx.Scope, x torch.Tensor) torch.Tensor {
	if n.Kernels == Reference {
		return n.forwardReference(s, x)
	}
	f := n.Activation.registered()
	x = torchx.ConvPool(s, x, f, conv(n.Conv1), conv(n.Conv2))                 // [N, 6, 12, 12], [N, 16, 4, 4]
	return torchx.Linear(s, x, f, linear(n.FC1), linear(n.FC2), linear(n.FC3)) // [N, 120], [N, 84], [N, 10]
}

// forwardReference is Forward, in the report's order and libtorch's own operators.
func (n *LeNet) forwardReference(s *torchx.Scope, x torch.Tensor) torch.Tensor {
	pool := func(x torch.Tensor) torch.Tensor {
		return s.Own(F.MaxPool2d(x, []int64{2, 2}, []int64{2, 2}, []int64{0, 0}, []int64{1, 1}, false))
	}
	f := n.Activation.registered()
	x = s.Own(x.CastTo(torch.Float))
	s.Own(x.DivI(n.white))
	x = s.Own(n.Conv1.Forward(x)) // [N, 6, 24, 24]
	x = f.Apply(s, x)
	x = pool(x)                   // [N, 6, 12, 12]
	x = s.Own(n.Conv2.Forward(x)) // [N, 16, 8, 8]
	x = f.Apply(s, x)
	x = pool(x)                        // [N, 16, 4, 4]
	x = s.Own(torch.Flatten(x, 1, -1)) // [N, 256]
	x = s.Own(n.FC1.Forward(x))        // [N, 120]
	x = f.Apply(s, x)
	x = s.Own(n.FC2.Forward(x)) // [N, 84]
	x = f.Apply(s, x)
	return s.Own(n.FC3.Forward(x)) // [N, 10]
}

// registered is the activation as torchx knows it. One that torchx does not know, its operators refuse.
func (a Activation) registered() torchx.Activation {
	f, _ := torchx.LookupActivation(string(a))
	return f
}

func conv(m *nn.Conv2dModule) torchx.Layer   { return torchx.Layer{Weight: m.Weight, Bias: m.Bias} }
func linear(m *nn.LinearModule) torchx.Layer { return torchx.Layer{Weight: m.Weight, Bias: m.Bias} }

// Loss returns the softmax cross-entropy, the mean over the batch, of logits [N, 10] and labels [N] uint8: a tensor of one
// element that s owns. With label smoothing, 0 to 1, that much of the target is spread evenly over the classes.
func (n *LeNet) Loss(s *torchx.Scope, logits, labels torch.Tensor, labelSmoothing float64) torch.Tensor {
	if n.Kernels == Reference && labelSmoothing == 0 {
		return s.Own(F.CrossEntropy(logits, labels, torch.Tensor{}, -100, "mean"))
	}
	return torchx.CrossEntropy(s, logits, labels, labelSmoothing)
}

// A Parameter is one of the network's trained tensors. Names and shapes are PyTorch's.
type Parameter struct {
	Name   string
	Shape  []int64
	Tensor torch.Tensor
}

// Parameters returns the trained tensors, always in the same order. They belong to the network.
func (n *LeNet) Parameters() []Parameter {
	return []Parameter{
		{"conv1.weight", []int64{6, 1, 5, 5}, n.Conv1.Weight},
		{"conv1.bias", []int64{6}, n.Conv1.Bias},
		{"conv2.weight", []int64{16, 6, 5, 5}, n.Conv2.Weight},
		{"conv2.bias", []int64{16}, n.Conv2.Bias},
		{"fc1.weight", []int64{120, n.FC1.InFeatures}, n.FC1.Weight},
		{"fc1.bias", []int64{120}, n.FC1.Bias},
		{"fc2.weight", []int64{84, 120}, n.FC2.Weight},
		{"fc2.bias", []int64{84}, n.FC2.Bias},
		{"fc3.weight", []int64{Classes, 84}, n.FC3.Weight},
		{"fc3.bias", []int64{Classes}, n.FC3.Bias},
	}
}

// Close frees the network's tensors.
func (n *LeNet) Close() { n.scope.Close() }

// Layers describes the network, one line a layer.
func (n *LeNet) Layers() []string {
	h1, w1 := convolvedAndPooled(n.rows), convolvedAndPooled(n.cols)
	h2, w2 := convolvedAndPooled(h1), convolvedAndPooled(w1)
	f := string(n.Activation)
	line := func(name, layer, activation, shape string, parameters int64) string {
		return fmt.Sprintf("  %-6s %-24s %-8s -> %-15s %6d parameters", name, layer, activation, "[N, "+shape+"]", parameters)
	}
	pool := func(name string, c, h, w int) string {
		return fmt.Sprintf("  %-6s %-33s -> [N, %d, %d, %d]", name, "MaxPool2d(2x2, stride 2)", c, h, w)
	}
	fc := func(name string, in, out int64, activation string) string {
		return line(name, fmt.Sprintf("Linear(%d -> %d)", in, out), activation, fmt.Sprint(out), (in+1)*out)
	}
	return []string{
		line("conv1", "Conv2d(1 -> 6, 5x5)", f, fmt.Sprintf("6, %d, %d", n.rows-4, n.cols-4), 26*6),
		pool("pool1", 6, h1, w1),
		line("conv2", "Conv2d(6 -> 16, 5x5)", f, fmt.Sprintf("16, %d, %d", h1-4, w1-4), 151*16),
		pool("pool2", 16, h2, w2),
		fc("fc1", n.FC1.InFeatures, 120, f),
		fc("fc2", 120, 84, f),
		fc("fc3", 84, Classes, ""),
	}
}
