// Package predict asks a trained network what images show.
package predict

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"lenet/dataset"
	"lenet/metrics"
	"lenet/model"
	"lenet/torchx"
)

// Probabilities returns the network's probabilities, [N][10], of N images: [N, 28, 28] uint8 pixels.
func (n *Network) Probabilities(ctx context.Context, images []uint8) ([][]float64, error) {
	const size = side * side
	var all [][]float64
	for part := range slices.Chunk(images, dataset.EvaluationBatch*size) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		count := len(part) / size
		logits := make([]float32, count*model.Classes)
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				x := torchx.Bytes(s, part, int64(count), 1, side, side)
				if n.Device != "cpu" {
					x = torchx.To(s, x, n.Device)
				}
				return torchx.Read(logits, n.Forward(s, x))
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

// A Draw is an image of a test set and what the network says of it.
type Draw struct {
	Index         int       `json:"index"` // in the set
	True          int       `json:"true"`
	Predicted     int       `json:"predicted"`
	Probabilities []float64 `json:"probabilities"` // by class
}

// Draw returns predictions for n different images of a set, drawn at random. Which ones they are follows from seed.
func (net *Network) Draw(ctx context.Context, set *dataset.Set, n int, seed uint64) ([]Draw, error) {
	indices := rand.New(rand.NewPCG(seed, 0)).Perm(set.Len())[:min(n, set.Len())]
	var images []uint8
	for _, i := range indices {
		images = append(images, set.Images[i*side*side:][:side*side]...)
	}
	probabilities, err := net.Probabilities(ctx, images)
	if err != nil {
		return nil, err
	}
	var draws []Draw
	for i, p := range probabilities {
		draws = append(draws, Draw{indices[i], int(set.Labels[indices[i]]), metrics.Largest(p), p})
	}
	return draws, nil
}

// A Picture is a file and what the network says of it.
type Picture struct {
	Path          string    `json:"file"`
	Predicted     int       `json:"predicted"`
	Probabilities []float64 `json:"probabilities"` // by class
	Pixels        []uint8   `json:"-"`             // [28, 28], what the network saw
}

// Pictures returns predictions for the pictures in PNG and JPEG files.
func (n *Network) Pictures(ctx context.Context, paths []string) ([]Picture, error) {
	var images []uint8
	for _, path := range paths {
		pixels, err := ReadPicture(path)
		if err != nil {
			return nil, err
		}
		images = append(images, pixels...)
	}
	probabilities, err := n.Probabilities(ctx, images)
	if err != nil {
		return nil, err
	}
	var pictures []Picture
	for i, p := range probabilities {
		pictures = append(pictures, Picture{paths[i], metrics.Largest(p), p, images[i*side*side:][:side*side]})
	}
	return pictures, nil
}
