// Package predict asks a trained network what images show.
package predict

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"lenet/dataset"
	"lenet/model"
	"lenet/torchx"
)

// batchSize is large, since predictions keep nothing for a backward pass.
const batchSize = 1000

// Probabilities returns the network's probabilities, [N][10], of N images: [N, rows, cols] uint8 pixels of the network's size.
func Probabilities(ctx context.Context, net *model.LeNet, images []uint8, rows, cols int) ([][]float64, error) {
	size := rows * cols
	var all [][]float64
	for part := range slices.Chunk(images, batchSize*size) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n := len(part) / size
		logits := make([]float32, n*model.Classes)
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				x := torchx.Bytes(s, part, int64(n), 1, int64(rows), int64(cols))
				if net.Device != "cpu" {
					x = torchx.To(s, x, net.Device)
				}
				return torchx.Read(logits, net.Forward(s, x))
			})
		})
		if err != nil {
			return nil, fmt.Errorf("predict: %w", err)
		}
		for row := range slices.Chunk(logits, model.Classes) {
			all = append(all, softmax(row))
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

// Draw returns n different images of a set at random, as indices. They follow from seed.
func Draw(set *dataset.Set, n int, seed uint64) []int {
	return rand.New(rand.NewPCG(seed, 0)).Perm(set.Len())[:min(n, set.Len())]
}
