package train

import (
	"context"
	"iter"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/torchx"
)

// A residentLoader has the whole set on the device. An epoch's order goes there once. Kernels that take spans find the images by it; for others the device
// gathers each batch.
type residentLoader struct {
	loader    *dataset.Loader
	device    string
	scope     torchx.Scope
	memory    *deviceMemory   // of a batch; nil: none was gathered yet
	set       torchx.Samples  // [N, pixels], [N]
	order     torch.Tensor    // [n] int32, indices into the set
	augmented *epochAugmenter // nil: images stay as they are

	there int           // the epoch whose order is there
	next  chan []uint32 // the order of the epoch after it, once it is made; nil: it is not being made
}

func newResidentLoader(loader *dataset.Loader, device string) (deviceLoader, error) {
	f, set := &residentLoader{loader: loader, device: device, there: -1}, loader.Set()
	n := int64(set.Len())
	err := torchx.Do(func(s *torchx.Scope) error {
		f.set.Images = torchx.To(&f.scope, torchx.Bytes(s, set.Images, n, int64(set.Rows*set.Cols)), device)
		f.set.Labels = torchx.To(&f.scope, torchx.Bytes(s, set.Labels, n), device)
		return nil
	})
	if err == nil {
		f.order, err = torchx.NewIndices(&f.scope, device, loader.Len())
	}
	if err == nil && loader.Augments() {
		f.augmented, err = newEpochAugmenter(&f.scope, loader, device)
	}
	if err != nil {
		f.scope.Close()
		return nil, err
	}
	return f, nil
}

func (f *residentLoader) epoch(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error] {
	return func(yield func(torchx.Batch, error) bool) {
		one := func() int { return 1 }
		for span, err := range f.spans(ctx, number, skip, one) {
			var b deviceBatch
			if err == nil {
				b, err = f.gathered(&span)
			}
			if !yield(b.Batch, err) || err != nil {
				return
			}
		}
	}
}

func (f *residentLoader) spans(ctx context.Context, number, skip int, most func() int) iter.Seq2[torchx.Span, error] {
	return func(yield func(torchx.Span, error) bool) {
		all, order, err := f.prepare(number)
		if err != nil {
			yield(torchx.Span{}, err)
			return
		}
		size := f.loader.BatchSize()
		for first := skip * size; first < f.loader.Len(); {
			if ctx.Err() != nil {
				yield(torchx.Span{}, context.Cause(ctx))
				return
			}
			n := lengthOf(f.loader.Len()-first, size, most())
			if !yield(torchx.Span{Samples: all, Order: order, First: first, Len: n, BatchSize: size}, nil) {
				return
			}
			first += n
		}
	}
}

// prepare returns the images that an epoch's batches come from, and their order, [n] int32. They are valid until the next epoch.
func (f *residentLoader) prepare(number int) (all torchx.Samples, order torch.Tensor, err error) {
	if f.there < 0 || f.there != number && !f.loader.Fixed() {
		if err = torchx.WriteIndices(f.order, f.orderOf(number)); err != nil {
			return f.set, f.order, err
		}
		f.there = number
		f.shuffleAhead()
	}
	if f.augmented == nil {
		return f.set, f.order, nil
	}
	return f.augmented.epoch(f.set, f.order, number)
}

// orderOf returns the order of an epoch, which may have been made.
func (f *residentLoader) orderOf(number int) []uint32 {
	if f.next != nil {
		order := <-f.next
		f.next = nil
		if number == f.there+1 {
			return order
		}
	}
	return f.loader.Order(number)
}

// shuffleAhead makes the order of the next epoch, while the GPU computes this one.
func (f *residentLoader) shuffleAhead() {
	if f.loader.Fixed() {
		return
	}
	next, number := make(chan []uint32, 1), f.there+1
	f.next = next
	go func() { next <- f.loader.Order(number) }()
}

// gathered returns a span of one batch in memory of its own.
func (f *residentLoader) gathered(s *torchx.Span) (b deviceBatch, err error) {
	if f.memory == nil {
		if f.memory, err = newDeviceMemory(f.loader, f.device); err != nil {
			return b, err
		}
	}
	if b, err = f.memory.batch(0, s.Len); err == nil {
		err = torchx.Select(b.Samples.Images, s.Images, s.Order, s.First)
	}
	if err == nil {
		err = torchx.Select(b.Samples.Labels, s.Labels, s.Order, s.First)
	}
	return b, err
}

func (f *residentLoader) close() {
	if f.next != nil {
		<-f.next
	}
	if f.memory != nil {
		f.memory.scope.Close()
	}
	f.scope.Close()
}

// residentBytes returns the size of the images that a residentLoader keeps on the device: the set's, and an epoch's if they are augmented.
func residentBytes(loader *dataset.Loader) int64 {
	set := loader.Set()
	n := int64(set.Len())
	if loader.Augments() {
		n += int64(loader.Len())
	}
	return n * int64(set.Rows*set.Cols)
}
