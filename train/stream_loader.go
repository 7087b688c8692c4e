package train

import (
	"context"
	"iter"

	"lenet/dataset"
	"lenet/torchx"
)

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

func (f *streamLoader) close() {
	f.ring.Close()
	f.memory.scope.Close()
}

// streamedTogether returns how many of a loader's batches are streamed together: as many as take a copy of about a megabyte.
func streamedTogether(l *dataset.Loader) int {
	return min(l.Batches(), max(1, 1<<20/l.BufferSize()))
}
