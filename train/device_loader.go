package train

import (
	"context"
	"iter"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/compute"
	"lenet/dataset"
	"lenet/torchx"
)

// A deviceLoader yields an epoch's batches on the device where the network is.
type deviceLoader interface {
	// epoch yields batches as [dataset.Loader.Epoch] does.
	epoch(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error]
	close()
}

// A spanLoader yields an epoch's batches many at a time, for kernels that train on them in one command. most says how many may come next.
type spanLoader interface {
	spans(ctx context.Context, number, skip int, most func() int) iter.Seq2[torchx.Span, error]
}

// longestSpan returns how many batches of so many images come at a time at most: some tenths of a second of a fast GPU's time, in which nothing can stop
// it.
func longestSpan(size int) int { return max(1, 1<<20/size) }

// streamedTogether returns how many of a loader's batches are streamed together: as many as take a copy of about a megabyte.
func streamedTogether(l *dataset.Loader) int {
	return min(l.Batches(), max(1, 1<<20/l.BufferSize()))
}

// newDeviceLoader returns the loader of a host loader's batches on a device, "cpu" or "cuda:N". On a GPU the set is either copied to the device
// once or streamed batch by batch. onDevice chooses; nil copies it if that takes less than half of the free memory. Augmented images are made
// where the set is: on the device, an epoch at a time, or on the loader's goroutine.
func newDeviceLoader(loader *dataset.Loader, device string, onDevice *bool) (deviceLoader, error) {
	if device == compute.CPU {
		return newHostLoader(loader), nil
	}
	resident := false
	switch {
	case onDevice != nil:
		resident = *onDevice
	default:
		free, err := torchx.FreeCUDAMemory(compute.CUDAIndex(device))
		if err != nil {
			return nil, err
		}
		resident = residentBytes(loader) < free/2 // the rest is for the network
	}
	open := newStreamLoader
	if resident {
		open = newResidentLoader
	}
	return open(loader, device)
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

// A hostLoader is for a network on the CPU, which reads images where they are: in the set, or, if they are augmented, where the loader gathered
// them.
type hostLoader struct {
	loader *dataset.Loader
	set    torchx.Batch // without an order
	scope  torchx.Scope // of the set's tensors
}

func newHostLoader(loader *dataset.Loader) *hostLoader {
	set := loader.Set()
	f := &hostLoader{loader: loader}
	f.set = hostBatch(&f.scope, set.Images, set.Labels, set.Rows, set.Cols)
	return f
}

// hostBatch returns a batch in the memory of images and labels, as long as s is open.
func hostBatch(s *torchx.Scope, images, labels []uint8, rows, cols int) torchx.Batch {
	n := int64(len(labels))
	return torchx.Batch{Images: torchx.Bytes(s, images, n, 1, int64(rows), int64(cols)), Labels: torchx.Bytes(s, labels, n)}
}

func (f *hostLoader) epoch(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error] {
	if f.loader.Augments() {
		return f.gathered(ctx, number, skip)
	}
	return func(yield func(torchx.Batch, error) bool) {
		for indices, err := range f.loader.Indices(ctx, number, skip) {
			if !yield(torchx.Batch{Images: f.set.Images, Labels: f.set.Labels, Order: indices}, err) {
				return
			}
		}
	}
}

func (f *hostLoader) gathered(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error] {
	return func(yield func(torchx.Batch, error) bool) {
		var s torchx.Scope // of a batch's tensors
		for b, err := range f.loader.Epoch(ctx, number, skip) {
			if err != nil {
				yield(torchx.Batch{}, err)
				return
			}
			more := yield(hostBatch(&s, b.Images, b.Labels, b.Rows, b.Cols), nil)
			s.Close()
			if !more {
				return
			}
		}
	}
}

func (f *hostLoader) close() { f.scope.Close() }

// A deviceBatch is in a deviceMemory.
type deviceBatch struct {
	torchx.Batch
	torchx.Samples // the same, the images as [N, pixels]
}

// A deviceMemory has room for what a loader gathers at a time, on a device: always at the same addresses, where a captured step finds the next
// batch. As the loader's buffers, it holds the images, then the labels.
type deviceMemory struct {
	loader *dataset.Loader
	bytes  torch.Tensor
	parts  map[[2]int]deviceBatch // by the first image and their number
	scope  torchx.Scope
}

func newDeviceMemory(loader *dataset.Loader, device string) (*deviceMemory, error) {
	m := &deviceMemory{loader: loader, parts: map[[2]int]deviceBatch{}}
	var err error
	m.bytes, err = torchx.NewBytes(&m.scope, device, loader.BufferSize())
	return m, err
}

// batch returns n images and labels from the first on.
func (m *deviceMemory) batch(first, n int) (deviceBatch, error) {
	if b, ok := m.parts[[2]int{first, n}]; ok {
		return b, nil
	}
	b, set := deviceBatch{}, m.loader.Set()
	pixels := set.Rows * set.Cols
	var err error
	if b.Batch.Images, err = torchx.View(&m.scope, m.bytes, first*pixels, int64(n), 1, int64(set.Rows), int64(set.Cols)); err != nil {
		return deviceBatch{}, err
	}
	if b.Samples.Images, err = torchx.View(&m.scope, m.bytes, first*pixels, int64(n), int64(pixels)); err != nil {
		return deviceBatch{}, err
	}
	if b.Batch.Labels, err = torchx.View(&m.scope, m.bytes, m.loader.BufferSize()-m.loader.Gathered()+first, int64(n)); err != nil {
		return deviceBatch{}, err
	}
	b.Samples.Labels = b.Batch.Labels
	m.parts[[2]int{first, n}] = b
	return b, nil
}

// A streamLoader has the loader gather batches into pinned host memory, from which the GPU fetches the next ones while it
// computes.
type streamLoader struct {
	loader *dataset.Loader
	memory *deviceMemory
	ring   *torchx.Ring
}

// ringLength is how many copies may be under way. A few suffice: a copy takes less time than the steps on it.
const ringLength = 8

func newStreamLoader(loader *dataset.Loader, device string) (deviceLoader, error) {
	memory, err := newDeviceMemory(loader, device)
	if err != nil {
		return nil, err
	}
	ring, err := torchx.NewRing(ringLength, loader.BufferSize())
	if err != nil {
		memory.scope.Close()
		return nil, err
	}
	loader.GatherInto(ring)
	return &streamLoader{loader, memory, ring}, nil
}

// sent yields how many images are in the memory.
func (f *streamLoader) sent(ctx context.Context, number, skip int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for b, err := range f.loader.Epoch(ctx, number, skip) {
			n := 0
			if err == nil {
				n, err = b.Len(), f.ring.Send(b.Buffer, f.memory.bytes)
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

func (f *streamLoader) epoch(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error] {
	return func(yield func(torchx.Batch, error) bool) {
		for n, err := range f.sent(ctx, number, skip) {
			for first := 0; err != nil || first < n; first += f.loader.BatchSize() {
				var b deviceBatch
				if err == nil {
					b, err = f.memory.batch(first, min(n-first, f.loader.BatchSize()))
				}
				if !yield(b.Batch, err) || err != nil {
					return
				}
			}
		}
	}
}

func (f *streamLoader) spans(ctx context.Context, number, skip int, most func() int) iter.Seq2[torchx.Span, error] {
	return func(yield func(torchx.Span, error) bool) {
		size := f.loader.BatchSize()
		for n, err := range f.sent(ctx, number, skip) {
			for first := 0; err != nil || first < n; {
				span := torchx.Span{First: first, BatchSize: size}
				if err == nil {
					var all deviceBatch
					all, err = f.memory.batch(0, n)
					span.Samples, span.Len = all.Samples, lengthOf(n-first, size, most())
				}
				if !yield(span, err) || err != nil {
					return
				}
				first += span.Len
			}
		}
	}
}

// lengthOf returns how many of n images are in at most so many batches.
func lengthOf(n, size, batches int) int {
	if batches >= (n+size-1)/size {
		return n
	}
	return batches * size
}

func (f *streamLoader) close() {
	f.ring.Close()
	f.memory.scope.Close()
}

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
