package dataset

import (
	"context"
	"iter"
	"math/bits"
	"math/rand/v2"
)

// A Batch is some images and their labels, gathered into memory of their own.
type Batch struct {
	Rows, Cols int
	Images     []uint8 // [Len, Rows, Cols]
	Labels     []uint8 // [Len]
}

// Len returns the number of images.
func (b *Batch) Len() int { return len(b.Labels) }

// A Loader yields a set in batches, gathered in the background: while one batch is in use, the next ones are made.
//
// It allocates its buffers once. It serves one epoch at a time.
type Loader struct {
	set       *Set
	batchSize int
	shuffle   bool
	seed      uint64
	order     []uint32
	pager     *pager
	free      chan *Batch // buffers to fill
}

// prefetched is how many batches may wait, beside the one in use.
const prefetched = 3

// NewLoader returns a loader of batches of batchSize images, at least 1, the last one smaller where the set does not divide. A
// batchSize larger than the set means one batch.
func NewLoader(set *Set, batchSize int) *Loader {
	l := &Loader{
		set:       set,
		batchSize: min(batchSize, set.Len()),
		order:     make([]uint32, set.Len()),
		pager:     newPager(set),
		free:      make(chan *Batch, prefetched+1),
	}
	for range cap(l.free) {
		l.free <- &Batch{
			Rows: set.Rows, Cols: set.Cols,
			Images: make([]uint8, l.batchSize*set.Rows*set.Cols),
			Labels: make([]uint8, l.batchSize),
		}
	}
	return l
}

// NewShuffledLoader returns a loader that yields the images of every epoch in another random order. The order follows from
// seed and epoch alone: it is the same on every machine.
func NewShuffledLoader(set *Set, batchSize int, seed uint64) *Loader {
	l := NewLoader(set, batchSize)
	l.shuffle, l.seed = true, seed
	return l
}

// Len returns the number of images in an epoch.
func (l *Loader) Len() int { return l.set.Len() }

// Batches returns the number of batches in an epoch.
func (l *Loader) Batches() int { return (l.set.Len() + l.batchSize - 1) / l.batchSize }

// Epoch yields every image once. A batch belongs to the loader: it is valid until the next one is asked for. When ctx ends,
// the last thing yielded is its cause as an error.
func (l *Loader) Epoch(ctx context.Context, epoch int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		ready, stop := make(chan *Batch, cap(l.free)), make(chan struct{})
		go l.produce(epoch, ready, stop)
		defer func() { // when Epoch returns, the producer has ended and every buffer is free
			close(stop)
			for b := range ready {
				l.free <- b
			}
		}()
		for b := range ready {
			if ctx.Err() != nil {
				l.free <- b
				break
			}
			more := yield(b, nil)
			l.free <- b
			if !more {
				return
			}
		}
		if ctx.Err() != nil {
			yield(nil, context.Cause(ctx))
		}
	}
}

// produce sends an epoch's batches, until stop is closed, and closes ready. There is room in ready for every buffer.
func (l *Loader) produce(epoch int, ready chan<- *Batch, stop <-chan struct{}) {
	defer close(ready)
	l.arrange(epoch)
	for start := 0; start < len(l.order); start += l.batchSize {
		select {
		case <-stop:
			return
		case b := <-l.free:
			indices := l.order[start:min(start+l.batchSize, len(l.order))]
			l.pager.around(indices, func() { l.gather(b, indices) })
			ready <- b
		}
	}
}

// arrange sets the order of an epoch: Fisher-Yates with PCG (O'Neill 2014). The bounded number is the high half of a
// 64 by 64 bit product (Lemire 2019), whose bias, at most 2^-32 for a set that order can index, is left in.
func (l *Loader) arrange(epoch int) {
	for i := range l.order {
		l.order[i] = uint32(i)
	}
	if !l.shuffle {
		return
	}
	random := rand.NewPCG(l.seed, uint64(epoch))
	for i := len(l.order) - 1; i > 0; i-- {
		j, _ := bits.Mul64(random.Uint64(), uint64(i+1))
		l.order[i], l.order[j] = l.order[j], l.order[i]
	}
}

func (l *Loader) gather(b *Batch, indices []uint32) {
	size := l.set.Rows * l.set.Cols
	b.Images, b.Labels = b.Images[:len(indices)*size], b.Labels[:len(indices)]
	for i, index := range indices {
		copy(b.Images[i*size:(i+1)*size], l.set.Images[int(index)*size:])
		b.Labels[i] = l.set.Labels[index]
	}
}
