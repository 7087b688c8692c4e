package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/model"
	"lenet/torchx"
)

// ErrDiverged says that the loss is not a finite number.
var ErrDiverged = errors.New("the loss is not finite")

// A trainer trains a network step by step.
//
// On the CPU each step ends with the epoch's sums so far. On a GPU nothing waits for the device until an epoch ends: a step is a list of
// commands to it, and may be a CUDA graph.
type trainer struct {
	net    *model.LeNet
	method *Method
	opt    *torchx.Optimizer
	rate   func(step int) float64 // the learning rate
	now    float64                // the optimizer's learning rate
	steps  int                    // of the whole training, so far
	totals *torchx.Accumulator
	sums   torchx.Sums // of the totals, when they were last read
	graphs *graphs     // nil: steps run as they are
	spent  stopwatch
}

// newTrainer returns the trainer of a network, for epochs of so many steps.
func newTrainer(net *model.LeNet, o *Options, stepsPerEpoch int, graphs *graphs) (*trainer, error) {
	var params []torch.Tensor
	for _, p := range net.Parameters() {
		params = append(params, p.Tensor)
	}
	opt, err := torchx.NewOptimizer(params, torchx.OptimizerOptions{
		Kind: o.Optimizer, LearningRate: o.LearningRate, WeightDecay: o.WeightDecay,
		Momentum: o.Momentum, Nesterov: o.Nesterov, Betas: [2]float64(o.Betas), Average: o.EMA,
	})
	if err != nil {
		return nil, err
	}
	totals, err := torchx.NewAccumulator(net.Device)
	if err != nil {
		opt.Close()
		return nil, err
	}
	rate := func(step int) float64 { return o.LearningRate * o.factor(step, stepsPerEpoch) }
	return &trainer{
		net: net, method: &o.Method, opt: opt, rate: rate, now: o.LearningRate,
		totals: totals, graphs: graphs, spent: stopwatch{last: time.Now()},
	}, nil
}

func (t *trainer) close() {
	if t.graphs != nil {
		t.graphs.close()
	}
	t.totals.Close()
	t.opt.Close()
}

// follows says whether the totals are read after every step.
func (t *trainer) follows() bool { return t.net.Device == "cpu" }

// step trains on one batch and adds its loss and right answers, before the update, to the totals.
func (t *trainer) step(b batch) error {
	if rate := t.rate(t.steps); rate != t.now {
		if err := t.opt.SetLearningRate(rate); err != nil {
			return err
		}
		t.now = rate
	}
	t.steps++
	if t.graphs == nil {
		return t.forwardBackwardUpdate(b)
	}
	err := t.graphs.run(b.Len(), func() error { return t.forwardBackwardUpdate(b) })
	t.spent.lap(goCode)
	return err
}

// forwardBackwardUpdate is the step. On the CPU, a loss that is not finite updates nothing.
func (t *trainer) forwardBackwardUpdate(b batch) error {
	return torchx.Do(func(s *torchx.Scope) error {
		images, labels := b.tensors(s)
		if err := t.opt.ZeroGrad(); err != nil {
			return err
		}
		t.spent.lap(goCode)

		logits := t.net.Forward(s, images)
		loss := t.net.Loss(s, logits, labels, t.method.LabelSmoothing)
		if err := t.totals.Add(loss, logits, labels); err != nil {
			return err
		}
		if t.follows() {
			if err := t.read(); err != nil {
				return err
			}
		}
		t.spent.lap(forward)

		if err := torchx.Backward(loss); err != nil {
			return err
		}
		t.spent.lap(backward)

		err := t.opt.Step()
		t.spent.lap(optimizer)
		return err
	})
}

// read sets sums, after what the device has yet to do.
func (t *trainer) read() (err error) {
	if t.sums, err = t.totals.Read(); err != nil {
		return err
	}
	if !finite(t.sums.Loss) {
		return ErrDiverged
	}
	return nil
}

func finite(loss float64) bool { return !math.IsNaN(loss) && !math.IsInf(loss, 0) }

// averaged calls f while the network's weights are their moving averages, where such are kept.
func (t *trainer) averaged(f func() error) error {
	if t.method.EMA == 0 {
		return f()
	}
	if err := t.opt.SwapAverages(); err != nil {
		return err
	}
	return errors.Join(f(), t.opt.SwapAverages())
}

// evaluate returns the mean loss and the accuracy, 0 to 1, of the network on all of a feed's images.
func evaluate(ctx context.Context, net *model.LeNet, images feed) (torchx.Sums, error) {
	totals, err := torchx.NewAccumulator(net.Device)
	if err != nil {
		return torchx.Sums{}, err
	}
	defer totals.Close()
	for b, err := range images.epoch(ctx, 0) {
		if err != nil {
			return torchx.Sums{}, err
		}
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				images, labels := b.tensors(s)
				logits := net.Forward(s, images)
				return totals.Add(net.Loss(s, logits, labels, 0), logits, labels)
			})
		})
		if err != nil {
			return torchx.Sums{}, fmt.Errorf("train: evaluating: %w", err)
		}
	}
	return totals.Read()
}
