package train

import (
	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/torchx"
)

// An epochAugmenter makes the images of an epoch on the device, all at once and in the epoch's order.
type epochAugmenter struct {
	loader  *dataset.Loader
	made    torchx.Samples // [n, pixels], [n]
	inOrder torch.Tensor   // 0 to n-1, int32: the made images as they stand
}

// newEpochAugmenter returns an augmenter of the images of a loader that augments. s owns its memory.
func newEpochAugmenter(s *torchx.Scope, loader *dataset.Loader, device string) (a *epochAugmenter, err error) {
	a = &epochAugmenter{loader: loader}
	n, pixels := loader.Len(), loader.Set().Rows*loader.Set().Cols
	images, err := torchx.NewBytes(s, device, n*pixels)
	if err != nil {
		return nil, err
	}
	if a.made.Images, err = torchx.View(s, images, 0, int64(n), int64(pixels)); err != nil {
		return nil, err
	}
	if a.made.Labels, err = torchx.NewBytes(s, device, n); err != nil {
		return nil, err
	}
	if a.inOrder, err = torchx.NewIndices(s, device, n); err != nil {
		return nil, err
	}
	indices := make([]uint32, n)
	for i := range indices {
		indices[i] = uint32(i)
	}
	return a, torchx.WriteIndices(a.inOrder, indices)
}

// epoch returns an epoch's images, of set's in this order, [n] int32, and their own order. They are valid until the next call.
func (a *epochAugmenter) epoch(set torchx.Samples, order torch.Tensor, number int) (torchx.Samples, torch.Tensor, error) {
	bounds := a.loader.Augmentation()
	err := torchx.Augment(a.made, set, order, a.loader.Set().Cols, torchx.Augmentation{
		Seed: a.loader.Seed(), Epoch: number, Shift: bounds.Shift, Rotate: bounds.Rotate, Scale: bounds.Scale,
	})
	return a.made, a.inOrder, err
}
