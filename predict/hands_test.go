package predict_test

import (
	"math/rand/v2"

	"lenet/picture/hands"
)

type point struct{ x, y float64 }

// strokes returns a digit as polylines within a unit square, in a hand and with small variations.
func strokes(digit, hand int, r *rand.Rand) (all [][]point) {
	for _, s := range hands.Strokes(digit, hand, r) {
		var points []point
		for _, p := range s {
			points = append(points, point{p.X, p.Y})
		}
		all = append(all, points)
	}
	return all
}
