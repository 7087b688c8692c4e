// Package model is the report's LeNet: its architecture, the network, its loss, and its weights in files.
package model

import (
	"errors"
	"fmt"
	"math"
	"sync"

	torch "github.com/wangkuiyi/gotorch"
	"github.com/wangkuiyi/gotorch/nn"
	F "github.com/wangkuiyi/gotorch/nn/functional"
	"github.com/wangkuiyi/gotorch/nn/initializer"

	"lenet/compute"
	"lenet/torchx"
)

// Options say where a network is computed and how.
type Options struct {
	Kernels compute.Kernels
	Device  string           // "cpu" or "cuda:N"
	Seed    uint64           // of the weights, which are the same on every device
	Log     func(msg string) // gets a notice where the kernels that were asked for do not suit the network; nil: nobody
}

// A LeNet is the network of the report (LeCun, Bottou, Bengio, Haffner 1998, with max-pooling and softmax).
//
// Its tensors live until Close.
type LeNet struct {
	Spec
	Device  string
	Kernels compute.Kernels // those in use
	Data    Data            // what it was trained on

	Conv1, Conv2  *nn.Conv2dModule
	FC1, FC2, FC3 *nn.LinearModule

	network    *torchx.Network // nil: libtorch's own operators compute it
	activation torchx.Activation
	maxPixel   torch.Tensor // [1] float32 on Device: 255, by which forwardReference divides pixels
	scope      torchx.Scope
}

// seeding is held while weights are drawn: libtorch has one random generator for all threads.
var seeding sync.Mutex

// New returns a network as spec says. Weights are Xavier-uniform, from libtorch's random generator; biases are zero. They are made on the
// CPU, and moved to the device.
//
// The fused kernels need an activation that is monotone and whose slope follows from its output. Where they do not suit, the network runs on
// libtorch's own operators.
func New(spec Spec, o Options) (*LeNet, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	activation, err := torchx.LookupActivation(spec.Activation)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	n := &LeNet{Spec: spec, Device: o.Device, Kernels: o.Kernels, activation: activation}
	seeding.Lock()
	defer seeding.Unlock()
	if err := torchx.ManualSeed(o.Seed); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if err := torchx.Do(func(*torchx.Scope) error { return n.make() }); err != nil {
		n.Close()
		return nil, fmt.Errorf("model: creating the network: %w", err)
	}
	if o.Kernels == compute.Fused {
		if err := n.fuse(o.Log); err != nil {
			n.Close()
			return nil, fmt.Errorf("model: %w", err)
		}
	}
	return n, nil
}

// fuse makes the network run as one operator, where there are kernels for it. log, which may be nil, gets a notice where there are not.
func (n *LeNet) fuse(log func(string)) (err error) {
	var params []torch.Tensor
	for _, p := range n.Parameters() {
		params = append(params, p.Tensor)
	}
	n.network, err = torchx.NewNetwork(n.Rows, n.Cols, n.activation, params)
	if !errors.Is(err, torchx.ErrNoKernels) {
		return err
	}
	n.Kernels = compute.Reference
	if log != nil {
		what := "a network of this size"
		if !n.activation.Fused() {
			what = n.activation.Name
		}
		log("the fused kernels do not know " + what + ": libtorch's own operators compute it")
	}
	return nil
}

// make draws the weights, layer by layer: their values depend on the order.
func (n *LeNet) make() error {
	l := n.layers()
	n.Conv1, n.Conv2 = newConv(l.conv1), newConv(l.conv2)
	n.FC1, n.FC2, n.FC3 = newLinear(l.fc1), newLinear(l.fc2), newLinear(l.fc3)
	for _, p := range n.Parameters() {
		n.scope.Own(p.Tensor)
		if len(p.Shape) == 1 {
			initializer.Zeros(&p.Tensor)
		} else {
			xavierUniform(p.Tensor)
		}
		if err := torchx.Move(p.Tensor, n.Device); err != nil {
			return err
		}
	}
	n.maxPixel = n.scope.Own(torch.Full([]int64{1}, 255, false))
	return torchx.Move(n.maxPixel, n.Device)
}

func newConv(l layer) *nn.Conv2dModule {
	return nn.Conv2d(l.weight[1], l.weight[0], filter, 1, 0, 1, 1, true, "zeros")
}

func newLinear(l layer) *nn.LinearModule { return nn.Linear(l.weight[1], l.weight[0], true) }

// xavierUniform fills a weight from U(-a, a) with a = sqrt(6 / (fan in + fan out)) (Glorot, Bengio 2010).
func xavierUniform(w torch.Tensor) {
	fanIn, fanOut := initializer.CalculateFanInAndFanOut(w)
	a := math.Sqrt(6 / float64(fanIn+fanOut))
	initializer.Uniform(&w, -a, a)
}

// Forward returns the logits, [N, Classes], of x, [N, 1, Rows, Cols] uint8 pixels, which it takes as x/255. s owns all that it makes.
func (n *LeNet) Forward(s *torchx.Scope, x torch.Tensor) torch.Tensor {
	if n.network != nil {
		return n.network.Logits(s, x)
	}
	return n.forwardReference(s, x)
}

// Evaluate adds the loss, the softmax cross-entropy, and the right answers of a batch to total.
func (n *LeNet) Evaluate(b torchx.Batch, total *torchx.Accumulator) error {
	if n.network != nil {
		return n.network.Evaluate(b, total)
	}
	return torchx.Do(func(s *torchx.Scope) error {
		return torchx.NoGrad(func() error {
			_, err := n.lossReference(s, b, 0, total)
			return err
		})
	})
}

// TakesSpans says whether the network takes spans: with fused kernels, on a GPU.
func (n *LeNet) TakesSpans() bool { return n.network != nil && n.Device != compute.CPU }

// EvaluateSpan is Evaluate for a span.
func (n *LeNet) EvaluateSpan(s *torchx.Span, total *torchx.Accumulator) error {
	return n.network.EvaluateSpan(s, total)
}

// Trains says whether TrainOn works with an optimizer of this network's parameters.
func (n *LeNet) Trains(opt *torchx.Optimizer) (bool, error) {
	if !n.TakesSpans() {
		return false, nil
	}
	return n.network.Trains(opt)
}

// TrainOn is Differentiate and the optimizer's step for each batch of a span, with one of the learning rates each, as one command to the GPU. The loss is not
// looked at.
func (n *LeNet) TrainOn(s *torchx.Span, opt *torchx.Optimizer, learningRates []float32, labelSmoothing float64, total *torchx.Accumulator) error {
	return n.network.Train(s, opt, learningRates, labelSmoothing, total)
}

// Differentiate is Evaluate, and gives the parameters, which have no gradients, those of the loss's mean over the batch. With label smoothing,
// 0 to 1, that much of the target is spread evenly over the classes.
func (n *LeNet) Differentiate(b torchx.Batch, labelSmoothing float64, total *torchx.Accumulator) error {
	if n.network != nil {
		return n.network.Differentiate(b, labelSmoothing, total)
	}
	return torchx.Do(func(s *torchx.Scope) error {
		loss, err := n.lossReference(s, b, labelSmoothing, total)
		if err != nil {
			return err
		}
		return torchx.Backward(loss)
	})
}

// forwardReference is Forward, in the report's order and by libtorch's own operators. The shapes on the right are those of the report's network.
func (n *LeNet) forwardReference(s *torchx.Scope, x torch.Tensor) torch.Tensor {
	f := func(x torch.Tensor) torch.Tensor { return n.activation.Apply(s, x) }
	pool := func(x torch.Tensor) torch.Tensor {
		return s.Own(F.MaxPool2d(x, []int64{Window, Window}, []int64{Window, Window}, []int64{0, 0}, []int64{1, 1}, false))
	}
	x = s.Own(x.CastTo(torch.Float))
	s.Own(x.DivI(n.maxPixel))
	x = pool(f(s.Own(n.Conv1.Forward(x)))) // [N, 6, 24, 24], [N, 6, 12, 12]
	x = pool(f(s.Own(n.Conv2.Forward(x)))) // [N, 16, 8, 8], [N, 16, 4, 4]
	x = s.Own(torch.Flatten(x, 1, -1))     // [N, 256]
	x = f(s.Own(n.FC1.Forward(x)))         // [N, 120]
	x = f(s.Own(n.FC2.Forward(x)))         // [N, 84]
	return s.Own(n.FC3.Forward(x))         // [N, 10]
}

// lossReference returns the loss of a batch, and adds it and the right answers to total.
func (n *LeNet) lossReference(s *torchx.Scope, b torchx.Batch, labelSmoothing float64, total *torchx.Accumulator) (loss torch.Tensor, err error) {
	images, labels := b.Gathered(s)
	logits := n.forwardReference(s, images)
	loss = torchx.CrossEntropy(s, logits, labels, labelSmoothing)
	return loss, total.Add(loss, logits, labels)
}

// A Parameter is one of the network's trained tensors. Names and shapes are PyTorch's.
type Parameter struct {
	Name   string
	Shape  []int64
	Tensor torch.Tensor
}

// Values returns a copy of the parameter's values, row by row.
func (p *Parameter) Values() ([]float32, error) {
	values := make([]float32, product(p.Shape))
	if err := torchx.Read(values, p.Tensor); err != nil {
		return nil, fmt.Errorf("model: reading %s: %w", p.Name, err)
	}
	return values, nil
}

// Parameters returns the trained tensors, always in the same order. They belong to the network.
func (n *LeNet) Parameters() []Parameter {
	tensors := []torch.Tensor{
		n.Conv1.Weight, n.Conv1.Bias, n.Conv2.Weight, n.Conv2.Bias,
		n.FC1.Weight, n.FC1.Bias, n.FC2.Weight, n.FC2.Bias, n.FC3.Weight, n.FC3.Bias,
	}
	var params []Parameter
	for _, p := range n.shapes() {
		p.Tensor = tensors[len(params)]
		params = append(params, p)
	}
	return params
}

// shapes returns the names and shapes of the trained tensors.
func (s Spec) shapes() (params []Parameter) {
	for _, l := range s.layers().inOrder() {
		if l.weight != nil {
			params = append(params, Parameter{Name: l.name + ".weight", Shape: l.weight}, Parameter{Name: l.name + ".bias", Shape: l.weight[:1]})
		}
	}
	return params
}

// Close frees the network's tensors.
func (n *LeNet) Close() {
	if n.network != nil {
		n.network.Close()
	}
	n.scope.Close()
}
