package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/model"
	"lenet/torchx"
)

// errDiverged says that the loss is not a finite number.
var errDiverged = errors.New("the loss is not finite")

// step trains on one batch and adds its loss and right answers, before the update, to epoch. A loss that is not finite updates
// nothing. spent gets the time of each part.
func step(net *model.LeNet, opt *torchx.SGD, batch *dataset.Batch, epoch *torchx.Totals, spent *stopwatch) error {
	return torchx.Do(func(s *torchx.Scope) error {
		images, labels := tensors(s, net.Device, batch)
		if err := opt.ZeroGrad(); err != nil {
			return err
		}
		spent.lap(goCode)

		logits := net.Forward(s, images)
		loss := net.Loss(s, logits, labels)
		if err := epoch.Add(loss, logits, labels); err != nil {
			return err
		}
		if mean, _ := epoch.Mean(); math.IsNaN(mean) || math.IsInf(mean, 0) {
			return errDiverged
		}
		spent.lap(forward)

		if err := torchx.Backward(loss); err != nil {
			return err
		}
		spent.lap(backward)

		err := opt.Step()
		spent.lap(optimizer)
		return err
	})
}

// Evaluate returns the mean loss and the accuracy, 0 to 1, of the network on all of a loader's images.
func Evaluate(ctx context.Context, net *model.LeNet, images *dataset.Loader) (loss, accuracy float64, err error) {
	var total torchx.Totals
	for batch, err := range images.Epoch(ctx, 0) {
		if err != nil {
			return 0, 0, err
		}
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				images, labels := tensors(s, net.Device, batch)
				logits := net.Forward(s, images)
				return total.Add(net.Loss(s, logits, labels), logits, labels)
			})
		})
		if err != nil {
			return 0, 0, fmt.Errorf("train: evaluating: %w", err)
		}
	}
	loss, accuracy = total.Mean()
	return loss, accuracy, nil
}

// tensors returns a batch as the network takes it: images [N, 1, rows, cols] and labels [N], both uint8, on a device; on the
// CPU in the batch's own memory.
func tensors(s *torchx.Scope, device string, b *dataset.Batch) (images, labels torch.Tensor) {
	n := int64(b.Len())
	images, labels = torchx.Bytes(s, b.Images, n, 1, int64(b.Rows), int64(b.Cols)), torchx.Bytes(s, b.Labels, n)
	return torchx.To(s, images, device), torchx.To(s, labels, device)
}
