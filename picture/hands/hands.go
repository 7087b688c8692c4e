// Package hands has handwritten digits as strokes, for tests.
package hands

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// hands are ways to write each digit, in a box of 100x100. Strokes are separated by |. A stroke's points are joined by a smooth curve, or by
// straight lines where it starts with L; a point that stands twice is a corner of a curve.
var hands = [10][]string{
	{
		"50,12 34,22 27,48 33,76 50,88 67,76 73,48 66,22 50,12", // round
		"56,10 42,24 36,52 38,78 48,90 58,78 66,52 66,26 56,10", // narrow and slanted
		"58,18 42,14 28,30 24,58 34,82 54,88 70,72 74,44 66,22 52,13 44,20",
		"46,12 30,34 28,62 38,84 56,88 70,72 72,46 64,24 50,14 45,12",
	},
	{
		"L50,10 50,90",
		"L58,10 44,90",
		"L34,30 52,10 52,90",
		"L36,28 52,11 52,88 | L36,89 68,89",
	},
	{
		"30,32 38,16 54,12 68,22 68,38 56,56 40,72 28,86 28,86 50,86 74,86",
		"28,28 40,14 60,14 68,30 58,50 40,70 28,80 32,88 42,80 54,82 72,88",
		"L28,20 70,18 30,86 74,84",
		"30,30 36,16 52,10 66,18 68,36 52,62 28,86 28,86 72,82",
	},
	{
		"30,22 46,12 62,18 66,32 56,44 44,48 44,48 60,52 70,66 62,82 46,88 28,80",
		"L30,14 68,14 46,42 | 46,42 64,48 70,66 60,82 44,88 28,80",
		"28,20 48,10 66,22 60,40 46,46 62,52 68,70 52,88 28,82",
		"32,16 52,12 64,24 58,40 42,47 42,47 60,50 68,64 60,84 40,90 26,82",
	},
	{
		"L32,12 26,54 74,54 | L60,32 58,90",
		"L60,88 60,12 24,62 76,62",
		"L36,12 28,52 72,52 | L66,10 60,90",
		"L62,10 26,60 78,58 | L62,10 60,90",
	},
	{
		"L66,14 36,14 33,46 | 33,46 50,40 66,50 68,68 56,84 40,88 28,80",
		"68,14 36,14 36,14 32,46 32,46 52,40 68,54 66,76 48,88 28,82",
		"L36,14 34,46 | 34,46 54,42 68,58 62,80 44,88 28,82 | L36,14 70,12",
		"L70,16 38,16 34,48 56,46 70,60 66,80 48,88 28,84",
	},
	{
		"60,10 42,28 32,54 32,76 46,88 62,82 68,66 58,54 44,56 34,68",
		"52,10 38,36 30,62 36,82 52,88 66,78 66,62 52,54 38,60 32,70",
		"L46,10 34,68 | 34,68 38,86 56,88 68,72 60,56 44,56 34,68",
		"66,14 50,14 36,36 30,62 38,84 56,88 68,74 62,58 46,56 34,66",
	},
	{
		"L28,14 72,14 44,90",
		"L28,16 72,14 48,90 | L36,52 66,50",
		"28,18 50,14 72,16 72,16 58,42 48,66 44,90",
		"L30,24 30,14 72,14 50,88",
	},
	{
		"50,48 36,38 34,22 50,12 64,22 62,38 50,48 34,60 32,78 50,88 68,78 66,60 50,48",
		"66,22 52,12 36,20 38,36 52,48 66,62 64,80 48,88 34,78 38,60 54,46 66,34 66,22",
		"50,12 36,22 40,40 50,46 60,40 64,22 50,12 | 50,46 34,60 34,78 50,88 66,78 66,60 50,46",
		"62,18 46,12 36,24 44,40 58,52 66,68 58,86 42,86 34,72 42,54 58,42 66,28 60,18",
	},
	{
		"66,28 52,12 36,20 34,40 46,50 60,44 66,28 66,28 64,60 58,90",
		"64,20 46,12 34,28 40,46 56,46 66,30 66,20 66,20 66,60 66,90",
		"66,30 54,12 36,20 34,40 48,50 62,42 66,26 66,26 66,60 58,84 42,90 32,82",
		"L64,16 62,90 | 64,18 48,10 34,24 38,44 52,48 64,36",
	},
}

// Count is how many ways there are to write a digit.
const Count = 4

// A Point is a place in a unit square, from its upper left corner.
type Point struct{ X, Y float64 }

// Strokes returns a digit as polylines within a unit square, in a hand and with small variations.
func Strokes(digit, hand int, r *rand.Rand) [][]Point {
	var all [][]Point
	vary := func() float64 { return 1.5 * r.NormFloat64() }
	for text := range strings.SplitSeq(hands[digit][hand%len(hands[digit])], "|") {
		text = strings.TrimSpace(text)
		straight := strings.HasPrefix(text, "L")
		var points []Point
		var last Point
		for field := range strings.FieldsSeq(strings.TrimPrefix(text, "L")) {
			x, y, _ := strings.Cut(field, ",")
			px, _ := strconv.ParseFloat(x, 64)
			py, _ := strconv.ParseFloat(y, 64)
			p := Point{px, py}
			if len(points) > 0 && p == last { // a corner
				points = append(points, points[len(points)-1])
				continue
			}
			last = p
			points = append(points, Point{(px + vary()) / 100, (py + vary()) / 100})
		}
		if !straight {
			points = curve(points)
		}
		all = append(all, points)
	}
	return all
}

// curve returns a Catmull-Rom curve through points.
func curve(points []Point) []Point {
	var out []Point
	at := func(i int) Point { return points[min(max(i, 0), len(points)-1)] }
	for i := range len(points) - 1 {
		a, b, c, d := at(i-1), at(i), at(i+1), at(i+2)
		if b == c {
			continue
		}
		if a == b && i > 0 {
			a = b
		}
		for step := range 12 {
			t := float64(step) / 12
			f := func(a, b, c, d float64) float64 {
				return 0.5 * (2*b + (c-a)*t + (2*a-5*b+4*c-d)*t*t + (3*b-a-3*c+d)*t*t*t)
			}
			out = append(out, Point{f(a.X, b.X, c.X, d.X), f(a.Y, b.Y, c.Y, d.Y)})
		}
	}
	return append(out, points[len(points)-1])
}
