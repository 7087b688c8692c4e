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

// A sum adds up losses and right answers over batches.
type sum struct {
	images  int
	loss    float64 // each batch's mean times its images
	correct int
}

func (s *sum) add(images int, loss float64, correct int) {
	s.images += images
	s.loss += loss * float64(images)
	s.correct += correct
}

// mean returns the mean loss and the accuracy, over images.
func (s *sum) mean() (loss, accuracy float64) {
	return s.loss / float64(s.images), float64(s.correct) / float64(s.images)
}

// errDiverged says that the loss is not a finite number.
var errDiverged = errors.New("the loss is not finite")

// step trains on one batch and adds its loss and right answers, before the update, to epoch. A loss that is not finite updates
// nothing.
func step(net *model.LeNet, opt *torchx.Optimizer, batch *dataset.Batch, epoch *sum) error {
	return torchx.Do(func(s *torchx.Scope) error {
		x, y := tensors(s, batch)
		if err := opt.ZeroGrad(); err != nil {
			return err
		}
		logits := net.Forward(s, x)
		loss := model.Loss(s, logits, y)
		value := item(loss)
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return errDiverged
		}
		if err := torchx.Backward(loss); err != nil {
			return err
		}
		epoch.add(batch.Len(), value, correct(s, logits, y))
		return opt.Step()
	})
}

// Evaluate returns the mean loss and the accuracy, 0 to 1, of the network on all of a loader's images.
func Evaluate(ctx context.Context, net *model.LeNet, images *dataset.Loader) (loss, accuracy float64, err error) {
	var total sum
	for batch, err := range images.Epoch(ctx, 0) {
		if err != nil {
			return 0, 0, err
		}
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				x, y := tensors(s, batch)
				logits := net.Forward(s, x)
				total.add(batch.Len(), item(model.Loss(s, logits, y)), correct(s, logits, y))
				return nil
			})
		})
		if err != nil {
			return 0, 0, fmt.Errorf("train: evaluating: %w", err)
		}
	}
	loss, accuracy = total.mean()
	return loss, accuracy, nil
}

// tensors returns a batch as the network takes it: [N, 1, rows, cols] float32 with pixels/255, and [N] int64.
func tensors(s *torchx.Scope, b *dataset.Batch) (images, labels torch.Tensor) {
	pixels := torchx.Bytes(s, b.Images, int64(b.Len()), 1, int64(b.Rows), int64(b.Cols))
	images = s.Own(pixels.CastTo(torch.Float))
	s.Own(images.DivI(s.Own(torch.Full([]int64{1}, 255, false))))
	labels = s.Own(torchx.Bytes(s, b.Labels, int64(b.Len())).CastTo(torch.Long))
	return images, labels
}

// correct counts the rows of logits, [N, 10], whose largest value is at the label.
func correct(s *torchx.Scope, logits, labels torch.Tensor) int {
	predicted := s.Own(logits.Argmax(int64(1)))
	right := s.Own(s.Own(predicted.Eq(labels)).Sum())
	return int(right.Item().(int64))
}

func item(t torch.Tensor) float64 { return float64(t.Item().(float32)) }
