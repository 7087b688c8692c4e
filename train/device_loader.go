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
	rows torch.Tensor // the images as [N, pixels]
}

// A deviceMemory has room for a batch on a device: always at the same addresses, where a captured step finds the next one. As
// the loader's buffers, it holds a full batch's images, then its labels.
type deviceMemory struct {
	loader *dataset.Loader
	bytes  torch.Tensor
	parts  map[int]deviceBatch // by number of images
	scope  torchx.Scope
}

func newDeviceMemory(loader *dataset.Loader, device string) (*deviceMemory, error) {
	m := &deviceMemory{loader: loader, parts: map[int]deviceBatch{}}
	var err error
	m.bytes, err = torchx.NewBytes(&m.scope, device, loader.BufferSize())
	return m, err
}

// batch returns the first n images and labels.
func (m *deviceMemory) batch(n int) (deviceBatch, error) {
	if b, ok := m.parts[n]; ok {
		return b, nil
	}
	b, set := deviceBatch{}, m.loader.Set()
	var err error
	if b.Images, err = torchx.View(&m.scope, m.bytes, 0, int64(n), 1, int64(set.Rows), int64(set.Cols)); err != nil {
		return deviceBatch{}, err
	}
	if b.rows, err = torchx.View(&m.scope, m.bytes, 0, int64(n), int64(set.Rows*set.Cols)); err != nil {
		return deviceBatch{}, err
	}
	if b.Labels, err = torchx.View(&m.scope, m.bytes, m.loader.BufferSize()-m.loader.BatchSize(), int64(n)); err != nil {
		return deviceBatch{}, err
	}
	m.parts[n] = b
	return b, nil
}

// A streamLoader has the loader gather batches into pinned host memory, from which the GPU fetches the next ones while it
// computes.
type streamLoader struct {
	loader *dataset.Loader
	memory *deviceMemory
	ring   *torchx.Ring
}

// ringLength is how many batches may be under way. A few suffice: the copy of one takes less time than its step.
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

func (f *streamLoader) epoch(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error] {
	return func(yield func(torchx.Batch, error) bool) {
		for b, err := range f.loader.Epoch(ctx, number, skip) {
			var sent deviceBatch
			if err == nil {
				err = f.ring.Send(b.Buffer, f.memory.bytes)
			}
			if err == nil {
				sent, err = f.memory.batch(len(b.Labels))
			}
			if !yield(sent.Batch, err) || err != nil {
				return
			}
		}
	}
}

func (f *streamLoader) close() {
	f.ring.Close()
	f.memory.scope.Close()
}

// A residentLoader has the whole set on the device. An epoch's order goes there once, and the device gathers each batch.
type residentLoader struct {
	loader    *dataset.Loader
	memory    *deviceMemory
	set       torchx.Samples  // [N, pixels], [N]
	order     torch.Tensor    // [n] int32, indices into the set
	augmented *epochAugmenter // nil: images stay as they are
}

func newResidentLoader(loader *dataset.Loader, device string) (deviceLoader, error) {
	memory, err := newDeviceMemory(loader, device)
	if err != nil {
		return nil, err
	}
	f, set := &residentLoader{loader: loader, memory: memory}, loader.Set()
	n := int64(set.Len())
	err = torchx.Do(func(s *torchx.Scope) error {
		f.set.Images = torchx.To(&memory.scope, torchx.Bytes(s, set.Images, n, int64(set.Rows*set.Cols)), device)
		f.set.Labels = torchx.To(&memory.scope, torchx.Bytes(s, set.Labels, n), device)
		return nil
	})
	if err == nil {
		f.order, err = torchx.NewIndices(&memory.scope, device, loader.Len())
	}
	if err == nil && loader.Augments() {
		f.augmented, err = newEpochAugmenter(&memory.scope, loader, device)
	}
	if err != nil {
		memory.scope.Close()
		return nil, err
	}
	return f, nil
}

func (f *residentLoader) epoch(ctx context.Context, number, skip int) iter.Seq2[torchx.Batch, error] {
	return func(yield func(torchx.Batch, error) bool) {
		all, order, err := f.prepare(number)
		if err != nil {
			yield(torchx.Batch{}, err)
			return
		}
		size := f.loader.BatchSize()
		for first := skip * size; first < f.loader.Len(); first += size {
			b, err := f.gathered(all, order, first, min(size, f.loader.Len()-first))
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if !yield(b.Batch, err) || err != nil {
				return
			}
		}
	}
}

// prepare returns the images that an epoch's batches come from, and their order, [n] int32. They are valid until the next epoch.
func (f *residentLoader) prepare(number int) (all torchx.Samples, order torch.Tensor, err error) {
	if err = torchx.WriteIndices(f.order, f.loader.Order(number)); err != nil || f.augmented == nil {
		return f.set, f.order, err
	}
	return f.augmented.epoch(f.set, f.order, number)
}

// gathered returns the batch of the n images from first on in the epoch's order.
func (f *residentLoader) gathered(all torchx.Samples, order torch.Tensor, first, n int) (deviceBatch, error) {
	b, err := f.memory.batch(n)
	if err == nil {
		err = torchx.Select(b.rows, all.Images, order, first)
	}
	if err == nil {
		err = torchx.Select(b.Labels, all.Labels, order, first)
	}
	return b, err
}

func (f *residentLoader) close() { f.memory.scope.Close() }
