package dataset

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
)

// A Batch is some images and their labels, gathered into memory of their own.
type Batch struct {
	Rows, Cols int
	Images     []uint8 // [Len, Rows, Cols]
	Labels     []uint8 // [Len]
	Buffer     int     // which of the loader's buffers holds them
}

// Len returns the number of images.
func (b *Batch) Len() int { return len(b.Labels) }

// Buffers are host memory from which a device copies asynchronously, after the loop has moved on to the next batch.
type Buffers interface {
	Len() int             // of them
	Buffer(i int) []uint8 // of [Loader.BufferSize] bytes
	Wait(i int) error     // returns when buffer i may be filled again; called on the loader's goroutine
}

// A Loader yields a set in batches, gathered in the background: while one batch is in use, the next ones are made.
//
// It allocates its buffers once, and only if batches are gathered. It serves one epoch at a time.
type Loader struct {
	set       *Set
	batchSize int
	shuffle   bool
	seed      uint64
	indices   []uint32 // of the set's images that are used; nil: all
	augment   *augmenter
	order     []uint32
	pager     *pager
	together  int         // batches that Epoch yields as one
	buffers   Buffers     // nil: the batches' memory is their own
	free      chan *Batch // to fill; nil: not allocated yet
}

// prefetched is how many batches may wait, beside the one in use.
const prefetched = 3

// EvaluationBatch is the batch size where nothing is learnt. It is large, since evaluation keeps nothing for a backward pass.
const EvaluationBatch = 1000

// NewLoader returns a loader of batches of batchSize images, at least 1, the last one smaller where the set does not divide. A
// batchSize larger than the set means one batch.
func NewLoader(set *Set, batchSize int) *Loader {
	return &Loader{
		set:       set,
		batchSize: min(batchSize, set.Len()),
		together:  1,
		order:     make([]uint32, set.Len()),
		pager:     newPager(set),
	}
}

// NewShuffledLoader returns a loader that yields the images of every epoch in another random order. The order depends on
// seed and epoch alone: it is the same on every machine.
func NewShuffledLoader(set *Set, batchSize int, seed uint64) *Loader {
	l := NewLoader(set, batchSize)
	l.shuffle, l.seed = true, seed
	return l
}

// Restrict leaves only some of the set's images, by their indices. It is called before the first epoch.
func (l *Loader) Restrict(indices []uint32) {
	l.indices = indices
	l.order = make([]uint32, len(indices))
}

// Augment makes the loader change each image as it gathers it. The loader's seed, the epoch and the image's index determine
// how. It is called before the first epoch.
func (l *Loader) Augment(a Augmentation) {
	l.augment = nil
	if a != (Augmentation{}) {
		l.augment = &augmenter{Augmentation: a, rows: l.set.Rows, cols: l.set.Cols}
	}
}

// Augments says whether the loader changes images.
func (l *Loader) Augments() bool { return l.augment != nil }

// Augmentation returns how the loader changes images; the zero Augmentation: not at all.
func (l *Loader) Augmentation() Augmentation {
	if l.augment == nil {
		return Augmentation{}
	}
	return l.augment.Augmentation
}

// Seed returns what determines the order of the images and their changes, together with the epoch.
func (l *Loader) Seed() uint64 { return l.seed }

// Together makes Epoch yield so many batches as one, but for the last of them. It is called before the first epoch, and before GatherInto.
func (l *Loader) Together(batches int) { l.together = batches }

// Fixed says whether the order is the same in every epoch.
func (l *Loader) Fixed() bool { return !l.shuffle }

// GatherInto makes the loader gather its batches into these buffers: in each, as many images as are gathered at a time, then their labels. It is called
// before the first epoch.
func (l *Loader) GatherInto(buffers Buffers) {
	l.buffers = buffers
	l.allocate(buffers.Len(), buffers.Buffer)
}

// Gathered returns how many images Epoch yields at a time, at most.
func (l *Loader) Gathered() int { return l.batchSize * l.together }

// BufferSize returns the number of bytes of as many images and their labels.
func (l *Loader) BufferSize() int { return l.Gathered() * (l.set.Rows*l.set.Cols + 1) }

// allocate creates the loader's n reusable batches.
func (l *Loader) allocate(n int, buffer func(i int) []uint8) {
	l.free = make(chan *Batch, n)
	images := l.BufferSize() - l.Gathered()
	for i := range n {
		b := buffer(i)
		l.free <- &Batch{Rows: l.set.Rows, Cols: l.set.Cols, Images: b[:images:images], Labels: b[images:], Buffer: i}
	}
}

// Len returns the number of images in an epoch.
func (l *Loader) Len() int { return len(l.order) }

// Batches returns the number of batches in an epoch.
func (l *Loader) Batches() int { return (l.Len() + l.batchSize - 1) / l.batchSize }

// BatchSize returns the number of images in a full batch.
func (l *Loader) BatchSize() int { return l.batchSize }

// Set returns the set whose images the loader yields.
func (l *Loader) Set() *Set { return l.set }

// Order returns the order of an epoch's images, as indices into the set. It belongs to the loader: it is valid until the next epoch.
func (l *Loader) Order(epoch int) []uint32 {
	l.arrange(epoch)
	return l.order
}

// Epoch yields every image once, but for those of the first batches, of which it leaves out skip. A batch belongs to the loader: it is valid until the
// next one is asked for, or, in [Buffers], until Wait for it returns. When ctx ends, or Wait fails, the last thing yielded is that error.
func (l *Loader) Epoch(ctx context.Context, epoch, skip int) iter.Seq2[*Batch, error] {
	if l.free == nil {
		l.allocate(prefetched+1, func(int) []uint8 { return make([]uint8, l.BufferSize()) })
	}
	return func(yield func(*Batch, error) bool) {
		ready, stop := make(chan *Batch, cap(l.free)), make(chan struct{})
		var failed error // of the producer, which has ended when ready is closed
		go func() {
			defer close(ready)
			failed = l.produce(epoch, skip, ready, stop)
		}()
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
		} else if failed != nil {
			yield(nil, failed)
		}
	}
}

// Indices yields the same batches as Epoch, as indices into the set: for those who read the images where they are. They belong to the loader:
// they are valid until the next epoch. When ctx ends, the last thing yielded is its error.
func (l *Loader) Indices(ctx context.Context, epoch, skip int) iter.Seq2[[]uint32, error] {
	return func(yield func([]uint32, error) bool) {
		l.arrange(epoch)
		batch := func(start int) []uint32 {
			return l.order[min(start, len(l.order)):min(start+l.batchSize, len(l.order))]
		}
		first := skip * l.batchSize
		l.pager.expect(batch(first))
		for start := first; start < len(l.order); start += l.batchSize {
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			l.pager.expect(batch(start + l.batchSize))
			more := true
			l.pager.watch(func() { more = yield(batch(start), nil) })
			if !more {
				return
			}
		}
	}
}

// produce sends an epoch's batches, until stop is closed. There is room in ready for all of them.
func (l *Loader) produce(epoch, skip int, ready chan<- *Batch, stop <-chan struct{}) error {
	l.arrange(epoch)
	for start := skip * l.batchSize; start < len(l.order); start += l.Gathered() {
		select {
		case <-stop:
			return nil
		case b := <-l.free:
			if l.buffers != nil {
				if err := l.buffers.Wait(b.Buffer); err != nil {
					l.free <- b
					return fmt.Errorf("dataset: a batch's memory: %w", err)
				}
			}
			indices := l.order[start:min(start+l.Gathered(), len(l.order))]
			l.pager.expect(indices)
			l.pager.watch(func() { l.gather(b, epoch, indices) })
			ready <- b
		}
	}
	return nil
}

// arrange sets the order of an epoch: Fisher-Yates with PCG (O'Neill 2014). The bounded number is the high half of a
// 64 by 64 bit product (Lemire 2019), whose bias, at most 2^-32 for a set that order can index, is left in.
func (l *Loader) arrange(epoch int) {
	for i := range l.order {
		l.order[i] = uint32(i)
	}
	copy(l.order, l.indices)
	if !l.shuffle {
		return
	}
	random := rand.NewPCG(l.seed, uint64(epoch))
	for i := len(l.order) - 1; i > 0; i-- {
		j, _ := bits.Mul64(random.Uint64(), uint64(i+1))
		l.order[i], l.order[j] = l.order[j], l.order[i]
	}
}

func (l *Loader) gather(b *Batch, epoch int, indices []uint32) {
	size := l.set.Rows * l.set.Cols
	b.Images, b.Labels = b.Images[:len(indices)*size], b.Labels[:len(indices)]
	var random rand.PCG
	for i, index := range indices {
		from, to := l.set.Images[int(index)*size:][:size], b.Images[i*size:(i+1)*size]
		if l.augment == nil {
			copy(to, from)
		} else {
			random.Seed(^l.seed, uint64(epoch)<<32|uint64(index)) // not the stream of the order
			l.augment.distort(to, from, &random)
		}
		b.Labels[i] = l.set.Labels[index]
	}
}
