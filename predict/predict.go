// Package predict classifies images with a trained network: those of a data set, and pictures of digits of your own.
package predict

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"lenet/compute"
	"lenet/dataset"
	"lenet/torchx"
)

// Probabilities returns the network's probabilities, [N][Classes], of N images: [N, Rows, Cols] uint8 pixels.
func (n *Network) Probabilities(ctx context.Context, images []uint8) ([][]float64, error) {
	size := n.Rows * n.Cols
	var all [][]float64
	for part := range slices.Chunk(images, dataset.EvaluationBatch*size) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		count := len(part) / size
		logits := make([]float32, count*n.Classes)
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				x := torchx.Bytes(s, part, int64(count), 1, int64(n.Rows), int64(n.Cols))
				if n.Device != compute.CPU {
					x = torchx.To(s, x, n.Device)
				}
				return torchx.Read(logits, n.Forward(s, x))
			})
		})
		if lost := n.guard.Err(); lost != nil {
			err = lost
		}
		if err != nil {
			return nil, fmt.Errorf("predict: %w", err)
		}
		for row := range slices.Chunk(logits, n.Classes) {
			p := softmax(row)
			if math.IsNaN(p[0]) { // then all are
				return nil, fmt.Errorf("predict: the network's output for image %d is not finite: its weights are too large", len(all)+1)
			}
			all = append(all, p)
		}
	}
	return all, nil
}

func softmax(logits []float32) []float64 {
	largest, sum, p := float64(slices.Max(logits)), 0.0, make([]float64, len(logits))
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - largest)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// A Prediction is a randomly drawn test image and what the network takes it for.
type Prediction struct {
	Index int `json:"index"` // in the set
	True  int `json:"true"`
	Class
}

// Draw returns predictions for n different images of a set, drawn at random. The seed determines which ones they are.
func (n *Network) Draw(ctx context.Context, set *dataset.Set, count int, seed uint64) ([]Prediction, error) {
	indices := rand.New(rand.NewPCG(seed, 0)).Perm(set.Len())[:min(count, set.Len())]
	size := set.Rows * set.Cols
	var images []uint8
	for _, i := range indices {
		images = append(images, set.Images[i*size:][:size]...)
	}
	probabilities, err := n.Probabilities(ctx, images)
	if err != nil {
		return nil, err
	}
	var predictions []Prediction
	for i, p := range probabilities {
		predictions = append(predictions, Prediction{indices[i], int(set.Labels[indices[i]]), n.classOf(p)})
	}
	return predictions, nil
}
