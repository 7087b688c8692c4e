package train

import (
	"iter"
	"time"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/torchx"
)

// The parts of a training's time, in their order.
const (
	load       = iota // waiting for the loader's next batch
	forward           // logits, loss, the epoch's sums
	backward          // gradients
	optimizer         // update
	goCode            // the rest: Go, making and freeing tensors, reporting, saving
	device            // waiting for the GPU at the end of an epoch
	evaluation        // of validation and test set
	parts
)

// PartNames name the parts of a training's time, in the order of a [Profile].
var PartNames = [parts]string{"load", "forward", "backward", "optimizer", "Go", "device", "evaluate"}

// A Profile is where the time went.
type Profile [parts]time.Duration

// A clock measures parts of a training from outside of them: it is wrapped around what they call.
type clock struct {
	began time.Time // when the first epoch began
	spent Profile
}

// begin starts the clock, once.
func (c *clock) begin() {
	if c.began.IsZero() {
		c.began = time.Now()
	}
}

// profile returns where the time since begin went.
func (c *clock) profile() Profile {
	p := c.spent
	p[goCode] = time.Since(c.began)
	for part, d := range c.spent {
		if part != goCode {
			p[goCode] -= d
		}
	}
	return p
}

// add gives the time since start to a part.
func (c *clock) add(part int, start time.Time) { c.spent[part] += time.Since(start) }

// timed returns f, whose time is a part's.
func (c *clock) timed(part int, f func() error) func() error {
	return func() error {
		defer c.add(part, time.Now())
		return f()
	}
}

// wrap returns the calls, each with its time given to a part.
func (c *clock) wrap(k calls) calls {
	return calls{
		zeroGrad: k.zeroGrad,
		forward: func(s *torchx.Scope, images torch.Tensor) torch.Tensor {
			defer c.add(forward, time.Now())
			return k.forward(s, images)
		},
		loss: func(s *torchx.Scope, logits, labels torch.Tensor) torch.Tensor {
			defer c.add(forward, time.Now())
			return k.loss(s, logits, labels)
		},
		count: func(loss, logits, labels torch.Tensor) error {
			defer c.add(forward, time.Now())
			return k.count(loss, logits, labels)
		},
		backward: func(loss torch.Tensor) error {
			defer c.add(backward, time.Now())
			return k.backward(loss)
		},
		gradients: k.gradients,
		update:    c.timed(optimizer, k.update),
	}
}

// batches yields what next yields, with the time of getting it given to load.
func (c *clock) batches(next iter.Seq2[batch, error]) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		waiting := time.Now()
		for b, err := range next {
			c.add(load, waiting)
			if !yield(b, err) {
				return
			}
			waiting = time.Now()
		}
		c.add(load, waiting)
	}
}
