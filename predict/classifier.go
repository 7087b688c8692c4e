package predict

import (
	"context"
	"errors"
	"image"

	"lenet/metrics"
	"lenet/picture"
)

// A Classifier classifies pictures on a thread of its own, so that any goroutine may call it, and several at once.
type Classifier struct {
	work  chan func(*Network)
	done  chan struct{}
	frame picture.Frame
}

// NewClassifier opens a network, as [Open] does.
func NewClassifier(ctx context.Context, o Options, log func(string)) (*Classifier, error) {
	c := &Classifier{work: make(chan func(*Network)), done: make(chan struct{})}
	opened := make(chan error)
	go func() {
		defer close(c.done)
		net, err := Open(ctx, o, log)
		if err == nil {
			c.frame = net.Frame()
		}
		opened <- err
		if err != nil {
			return
		}
		defer net.Close()
		for f := range c.work {
			f(net)
		}
	}()
	if err := <-opened; err != nil {
		return nil, err
	}
	return c, nil
}

// A Class is what a network takes an image for.
type Class struct {
	Predicted     int       `json:"predicted"`     // its index
	Name          string    `json:"class"`         // its name: "3" or "Sneaker"
	Probabilities []float64 `json:"probabilities"` // by class
}

// Probability returns that of the predicted class.
func (c *Class) Probability() float64 { return c.Probabilities[c.Predicted] }

// RunnerUp returns the second most probable class.
func (c *Class) RunnerUp() int {
	best := -1
	for i, p := range c.Probabilities {
		if i != c.Predicted && (best < 0 || p > c.Probabilities[best]) {
			best = i
		}
	}
	return best
}

func (n *Network) classOf(probabilities []float64) Class {
	predicted := metrics.Largest(probabilities)
	return Class{predicted, n.Data.Class(predicted), probabilities}
}

// Classify returns what a picture of one digit shows. The picture is normalized, as [picture.Prepare] does; those of [picture.Open] and
// [picture.Decode] are turned as their EXIF data say. Several pictures may be normalized at once; ctx ends the waiting for the network.
//
// Errors: those of [picture.Prepare]; ctx's.
func (c *Classifier) Classify(ctx context.Context, img image.Image) (class Class, err error) {
	if img == nil {
		return class, errors.New("predict: there is no picture")
	}
	pixels, err := picture.Prepare(img, c.frame)
	if err != nil {
		return class, err
	}
	finished := make(chan struct{})
	classify := func(net *Network) {
		defer close(finished)
		var all [][]float64
		if all, err = net.Probabilities(ctx, pixels); err == nil {
			class = net.classOf(all[0])
		}
	}
	select {
	case c.work <- classify:
	case <-ctx.Done():
		return class, context.Cause(ctx)
	}
	<-finished
	return class, err
}

// Close frees the network. Nothing may be classified afterwards.
func (c *Classifier) Close() {
	close(c.work)
	<-c.done
}
