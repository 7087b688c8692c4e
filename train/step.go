package train

import (
	"errors"
	"math"
	"time"

	"lenet/compute"
	"lenet/model"
	"lenet/optim"
	"lenet/torchx"
)

// ErrDiverged says that the loss is not a finite number.
var ErrDiverged = errors.New("the loss is not finite")

// calls are what a step is made of.
type calls struct {
	zeroGrad      func() error
	differentiate func(torchx.Batch) error // sets the gradients, and adds the loss and the right answers to the epoch's sums
	gradients     func() error             // a place for a hook: the gradients are there, and the weights are not updated yet
	update        func() error
}

// step trains on one batch. A loss that differentiate finds not to be finite updates nothing.
func (c *calls) step(b torchx.Batch) error {
	return torchx.Do(func(*torchx.Scope) error {
		if err := c.zeroGrad(); err != nil {
			return err
		}
		if err := c.differentiate(b); err != nil {
			return err
		}
		if err := c.gradients(); err != nil {
			return err
		}
		return c.update()
	})
}

// A trainer trains a network step by step.
//
// On the CPU each step ends with the epoch's sums so far. On a GPU nothing waits for the device until an epoch ends: with the fused kernels, many steps are one
// command to it; otherwise a step is a list of commands, and may be a CUDA graph.
type trainer struct {
	calls
	clock  clock
	opt    *optim.Optimizer
	rate   func(step int) float64 // the learning rate
	steps  int                    // of the whole training, so far
	total  *torchx.Accumulator    // of the epoch
	sums   torchx.Sums            // of total, when it was last read
	onCPU  bool
	graphs *graphs // nil: steps run eagerly
	spans  bool    // many steps can be one command to the GPU
	on     func(s *torchx.Span, learningRates []float32) error
}

// newTrainer returns the trainer of a network, for epochs of so many steps.
func newTrainer(net *model.LeNet, o *Options, stepsPerEpoch int) (*trainer, error) {
	var params []optim.Parameter
	for _, p := range net.Parameters() {
		params = append(params, optim.Parameter{Name: p.Name, Tensor: p.Tensor})
	}
	opt, err := optim.New(o.Optimizer, o.LearningRate, o.Settings, params)
	if err != nil {
		return nil, err
	}
	total, err := torchx.NewAccumulator(net.Device)
	if err != nil {
		opt.Close()
		return nil, err
	}
	t := &trainer{opt: opt, total: total, onCPU: net.Device == compute.CPU}
	if t.spans, err = net.Trains(opt.Optimizer); err != nil {
		t.close()
		return nil, err
	}
	t.on = func(s *torchx.Span, learningRates []float32) error {
		return net.TrainOn(s, opt.Optimizer, learningRates, o.LabelSmoothing, total)
	}
	t.rate = func(step int) float64 { return o.LearningRate * o.Factor(step, stepsPerEpoch, o.Epochs) }
	t.calls = t.clock.wrap(calls{
		zeroGrad: opt.ZeroGrad,
		differentiate: func(b torchx.Batch) error {
			if err := net.Differentiate(b, o.LabelSmoothing, total); err != nil || !t.onCPU {
				return err
			}
			return t.read()
		},
		gradients: func() error { return nil },
		update:    opt.Step,
	})
	return t, nil
}

func (t *trainer) close() {
	if t.graphs != nil {
		t.graphs.close()
	}
	t.total.Close()
	t.opt.Close()
}

// train trains on one batch, with the learning rate of its place in the training.
func (t *trainer) train(b torchx.Batch) error {
	if err := t.opt.SetLearningRate(t.rate(t.steps)); err != nil {
		return err
	}
	t.steps++
	if t.graphs == nil {
		return t.step(b)
	}
	return t.graphs.run(b.Len(), func() error { return t.step(b) })
}

// trainOn trains on a span, with the learning rates of its place in the training.
func (t *trainer) trainOn(s *torchx.Span) error {
	defer t.clock.add(gradients, time.Now())
	rates := make([]float32, s.Batches())
	for i := range rates {
		rates[i] = float32(t.rate(t.steps + i))
	}
	if err := t.on(s, rates); err != nil {
		return err
	}
	t.steps += len(rates)
	return nil
}

// read sets sums, once the device is done with all steps.
func (t *trainer) read() (err error) {
	if t.sums, err = t.total.Read(); err != nil {
		return err
	}
	if !finite(t.sums.Loss) {
		return ErrDiverged
	}
	return nil
}

func finite(loss float64) bool { return !math.IsNaN(loss) && !math.IsInf(loss, 0) }
