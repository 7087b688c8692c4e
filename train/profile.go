package train

import (
	"iter"
	"time"

	"lenet/torchx"
)

// The parts of a training's time, in their order.
const (
	load       = iota // waiting for the loader's next batch
	gradients         // logits, loss, the epoch's sums, gradients
	optimizer         // update
	goCode            // the rest: Go, making and freeing tensors, reporting, saving
	device            // waiting for the GPU at the end of an epoch
	evaluation        // of validation and test set
	parts
)

// PartNames name the parts of a training's time, in the order of a [Profile].
var PartNames = [parts]string{"load", "gradients", "optimizer", "Go", "device", "evaluate"}

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
		differentiate: func(b torchx.Batch) error {
			defer c.add(gradients, time.Now())
			return k.differentiate(b)
		},
		gradients: k.gradients,
		update:    c.timed(optimizer, k.update),
	}
}

// waiting yields what next yields, with the time of getting it given to load.
func waiting[T any](c *clock, next iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		began := time.Now()
		for b, err := range next {
			c.add(load, began)
			if !yield(b, err) {
				return
			}
			began = time.Now()
		}
		c.add(load, began)
	}
}
