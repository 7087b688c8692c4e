package predict

import (
	"context"
	"errors"
	"fmt"
	"image"

	"lenet/metrics"
	"lenet/picture"
)

// A Classifier classifies pictures on a thread of its own, so that any goroutine may call it, and several at once. Images that wait when the network
// is free are classified as one batch.
type Classifier struct {
	// Batch, if it is not nil, is told of each batch how many images it has. It is set before the first call of Classify.
	Batch func(images int)

	work        chan *request
	done        chan struct{}
	description *Description
}

// A request is an image and, once finished is closed, what it is taken for.
type request struct {
	pixels   []uint8
	class    Class
	err      error
	finished chan struct{}
}

// maxBatch is how many images are classified at once at most.
const maxBatch = 64

// NewClassifier opens a network, as [Open] does.
func NewClassifier(ctx context.Context, o Options, log func(string)) (*Classifier, error) {
	c := &Classifier{work: make(chan *request), done: make(chan struct{})}
	opened := make(chan error)
	go func() {
		defer close(c.done)
		net, err := Open(ctx, o, log)
		if err == nil {
			defer net.Close()
			c.description, err = net.Describe()
		}
		opened <- err
		if err == nil {
			c.serve(net)
		}
	}()
	if err := <-opened; err != nil {
		<-c.done
		return nil, err
	}
	return c, nil
}

// serve answers requests until Close.
func (c *Classifier) serve(net *Network) {
	for first := range c.work {
		batch := c.waiting([]*request{first})
		if c.Batch != nil {
			c.Batch(len(batch))
		}
		var images []uint8
		for _, r := range batch {
			images = append(images, r.pixels...)
		}
		all, err := net.Probabilities(context.Background(), images)
		for i, r := range batch {
			if r.err = err; err == nil {
				r.class = net.classOf(all[i])
			}
			close(r.finished)
		}
	}
}

// waiting returns a batch with the requests that wait now.
func (c *Classifier) waiting(batch []*request) []*request {
	for len(batch) < maxBatch {
		select {
		case r, ok := <-c.work:
			if !ok {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// Description returns the network's.
func (c *Classifier) Description() *Description { return c.description }

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
	pixels, err := picture.Prepare(img, c.description.Frame)
	if err != nil {
		return class, err
	}
	return c.ClassifyPrepared(ctx, pixels)
}

// ClassifyPrepared is Classify for an image of the network's size, [Rows, Cols] pixels, as [picture.Prepare] and [picture.Split] give it.
func (c *Classifier) ClassifyPrepared(ctx context.Context, pixels []uint8) (class Class, err error) {
	if d := c.description; len(pixels) != d.Rows*d.Cols {
		return class, fmt.Errorf("predict: an image of %d pixels, and the network's have %dx%d", len(pixels), d.Rows, d.Cols)
	}
	r := &request{pixels: pixels, finished: make(chan struct{})}
	select {
	case c.work <- r:
	case <-ctx.Done():
		return class, context.Cause(ctx)
	}
	<-r.finished
	return r.class, r.err
}

// Close frees the network. Nothing may be classified afterwards.
func (c *Classifier) Close() {
	close(c.work)
	<-c.done
}
