// Package optim updates a network's parameters: optimizers, schedules of the learning rate, and moving averages.
package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/option"
	"lenet/torchx"
)

// Names are the lists of names in the help of this package's options.
var Names = option.Names{"optimizers": torchx.OptimizerNames(), "schedules": scheduleNames()}

// Settings are an optimizer's settings, by PyTorch's names and with its meaning.
type Settings struct {
	Momentum    float64   `json:"momentum" default:"0" placeholder:"X" help:"Momentum of sgd."`
	Nesterov    bool      `json:"nesterov" negatable:"" help:"Nesterov's momentum."`
	WeightDecay float64   `json:"weight_decay" default:"0" placeholder:"X" help:"Weight decay; adamw's is decoupled from the gradient."`
	Betas       []float64 `json:"betas" default:"0.9,0.999" placeholder:"X,Y" help:"Decay of adam's and adamw's two averages."`
	EMA         float64   `json:"ema" name:"ema" default:"0" placeholder:"X" help:"Evaluate and save exponential moving averages of the weights, with this decay a step."`
}

// ValidateName checks an optimizer's name. Its error is an [option.Error].
func ValidateName(name string) error { return option.OneOf("optimizer", name, Names["optimizers"]) }

// Validate checks each value, and that they go together. Its errors are [option.Error]s.
func (o *Settings) Validate() error {
	if err := option.First(option.Share("momentum", o.Momentum), option.Share("ema", o.EMA)); err != nil {
		return err
	}
	switch {
	case o.Nesterov && o.Momentum == 0:
		return option.Errorf("nesterov", "needs a momentum, such as 0.9")
	case !(o.WeightDecay >= 0) || math.IsInf(o.WeightDecay, 0):
		return option.Errorf("weight-decay", "is %v and must be 0 or more", o.WeightDecay)
	case len(o.Betas) != 2 || slices.ContainsFunc(o.Betas, func(b float64) bool { return !(b >= 0 && b < 1) }):
		return option.Errorf("betas", "are %v and must be two numbers of 0 or more, and less than 1", o.Betas)
	}
	return nil
}

// A Parameter is a tensor that an optimizer updates.
type Parameter struct {
	Name   string
	Tensor torch.Tensor
}

// An Optimizer updates parameters from their gradients.
type Optimizer struct {
	*torchx.Optimizer
	params       []Parameter
	learningRate float64
	averages     bool
}

// New returns the optimizer of that name for parameters on one device.
func New(name string, learningRate float64, o Settings, params []Parameter) (*Optimizer, error) {
	tensors := make([]torch.Tensor, len(params))
	for i, p := range params {
		tensors[i] = p.Tensor
	}
	opt, err := torchx.NewOptimizer(tensors, torchx.OptimizerOptions{
		Kind: name, LearningRate: learningRate, WeightDecay: o.WeightDecay,
		Momentum: o.Momentum, Nesterov: o.Nesterov, Betas: [2]float64(o.Betas), Average: o.EMA,
	})
	if err != nil {
		return nil, fmt.Errorf("optim: %w", err)
	}
	return &Optimizer{opt, params, learningRate, o.EMA > 0}, nil
}

// SetLearningRate changes the following steps.
func (o *Optimizer) SetLearningRate(learningRate float64) error {
	if learningRate == o.learningRate {
		return nil
	}
	o.learningRate = learningRate
	return o.Optimizer.SetLearningRate(learningRate)
}

// Averaged calls f while the parameters' values are their moving averages, where such are kept.
func (o *Optimizer) Averaged(f func() error) error {
	if !o.averages {
		return f()
	}
	if err := o.SwapAverages(); err != nil {
		return err
	}
	return errors.Join(f(), o.SwapAverages())
}

// State returns the tensors that the optimizer keeps from step to step, each named after its parameter and its meaning, as
// "conv1.weight.momentum". They belong to the optimizer. With their values, the parameters' and the number of the step, another optimizer of the
// same options goes on from here.
func (o *Optimizer) State() []Parameter {
	var state []Parameter
	for _, s := range o.Optimizer.State() {
		state = append(state, Parameter{o.params[s.Param].Name + "." + s.Name, s.Tensor})
	}
	return state
}
