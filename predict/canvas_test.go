package predict_test

import (
	"math"
	"math/rand/v2"
)

// A canvas is how much ink each pixel has, 0 to 1: [h, w].
type canvas struct {
	w, h int
	ink  []float64
}

// draw draws strokes, from a unit square, into the square of a side whose centre is at (cx, cy), turned by degrees, with a round pen. Without
// smooth edges, a pixel has ink or has none.
func (c *canvas) draw(strokes [][]point, cx, cy, side, degrees, pen float64, smooth bool) {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	for _, s := range strokes {
		for i := range len(s) - 1 {
			place := func(p point) point {
				x, y := (p.x-0.5)*side, (p.y-0.5)*side
				return point{cx + cos*x - sin*y, cy + sin*x + cos*y}
			}
			c.segment(place(s[i]), place(s[i+1]), pen, smooth)
		}
	}
}

func (c *canvas) segment(a, b point, pen float64, smooth bool) {
	if !smooth && pen < 2 { // a line of single pixels
		n := int(math.Max(math.Abs(a.x-b.x), math.Abs(a.y-b.y))) + 1
		for i := range n + 1 {
			t := float64(i) / float64(n)
			c.set(int(a.x+(b.x-a.x)*t), int(a.y+(b.y-a.y)*t), 1)
		}
		return
	}
	r := pen/2 + 1
	dx, dy := b.x-a.x, b.y-a.y
	length := dx*dx + dy*dy
	left, right := int(min(a.x, b.x)-r), int(max(a.x, b.x)+r)
	for y := max(0, int(min(a.y, b.y)-r)); y <= min(c.h-1, int(max(a.y, b.y)+r)); y++ {
		from, to := left, right
		if dy != 0 { // only as far as the pen reaches from the line
			at, reach := a.x+(float64(y)+0.5-a.y)*dx/dy, r*math.Sqrt(length)/math.Abs(dy)+1
			from, to = max(from, int(max(at-reach, -1e6))), min(to, int(min(at+reach, 1e6)))
		}
		for x := max(0, from); x <= min(c.w-1, to); x++ {
			px, py := float64(x)+0.5-a.x, float64(y)+0.5-a.y
			t := 0.0
			if length > 0 {
				t = min(max((px*dx+py*dy)/length, 0), 1)
			}
			cover := pen/2 + 0.5 - math.Sqrt((px-t*dx)*(px-t*dx)+(py-t*dy)*(py-t*dy))
			if !smooth {
				cover = math.Round(cover)
			}
			c.set(x, y, min(max(cover, 0), 1))
		}
	}
}

func (c *canvas) set(x, y int, v float64) {
	if x >= 0 && y >= 0 && x < c.w && y < c.h {
		c.ink[y*c.w+x] = max(c.ink[y*c.w+x], v)
	}
}

// blur averages 3x3 pixels.
func (c *canvas) blur() {
	for _, step := range []int{1, c.w} {
		last := c.ink[0]
		for i := step; i+step < len(c.ink); i++ {
			v := (c.ink[i-step] + c.ink[i] + c.ink[i+step]) / 3
			if step == 1 {
				v = (last + c.ink[i] + c.ink[i+1]) / 3
				last = c.ink[i]
			}
			c.ink[i] = v
		}
	}
}

// smoothNoise returns a paper's texture: noise of some pixels' size, of about one standard deviation.
func smoothNoise(w, h int, r *rand.Rand) *canvas {
	const cell = 4
	cols := w/cell + 2
	grid := make([]float64, cols*(h/cell+2))
	for i := range grid {
		grid[i] = 1.5 * r.NormFloat64()
	}
	c := &canvas{w, h, make([]float64, w*h)}
	for y := range h {
		for x := range w {
			i, fx, fy := y/cell*cols+x/cell, float64(x%cell)/cell, float64(y%cell)/cell
			c.ink[y*w+x] = (grid[i]*(1-fx)+grid[i+1]*fx)*(1-fy) + (grid[i+cols]*(1-fx)+grid[i+cols+1]*fx)*fy
		}
	}
	return c
}
