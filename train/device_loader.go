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

// lengthOf returns how many of n images are in at most so many batches.
func lengthOf(n, size, batches int) int {
	if batches >= (n+size-1)/size {
		return n
	}
	return batches * size
}

// newDeviceLoader returns the loader of a host loader's batches on a device, "cpu" or "cuda:N". On a GPU the set is either copied to the device
// once or streamed. onDevice chooses; nil copies it if that takes less than half of the free memory. Augmented images are made
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
