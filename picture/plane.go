package picture

import (
	"math"
	"slices"
)

// A plane is one value for each pixel: [h, w].
type plane struct {
	w, h int
	v    []float32
}

func newPlane(w, h int) plane { return plane{w, h, make([]float32, w*h)} }

func (p *plane) row(y int) []float32 { return p.v[y*p.w:][:p.w] }

// shrunk returns the plane with cells of k x k pixels averaged to one. Cells at the right and lower edges may be smaller.
func (p *plane) shrunk(k int) plane {
	if k <= 1 {
		return *p
	}
	small := newPlane((p.w+k-1)/k, (p.h+k-1)/k)
	for y := range small.h {
		sums := small.row(y)
		rows := min(k, p.h-y*k)
		for r := range rows {
			for x, v := range p.row(y*k + r) {
				sums[x/k] += v
			}
		}
		for x := range sums {
			sums[x] /= float32(rows * min(k, p.w-x*k))
		}
	}
	return small
}

// grown returns the values of a plane that was shrunk by k at the places of w x h pixels, interpolated.
func (p *plane) grown(k, w, h int) plane {
	if k <= 1 {
		return *p
	}
	big := newPlane(w, h)
	at := func(i, n int) (int, int, float32) { // the two cells around a pixel, and the share of the second
		place := (float64(i)+0.5)/float64(k) - 0.5
		low := int(math.Floor(place))
		return min(max(low, 0), n-1), min(max(low+1, 0), n-1), float32(place - float64(low))
	}
	for y := range h {
		above, below, down := at(y, p.h)
		a, b, out := p.row(above), p.row(below), big.row(y)
		for x := range out {
			left, right, across := at(x, p.w)
			top := a[left] + (a[right]-a[left])*across
			bottom := b[left] + (b[right]-b[left])*across
			out[x] = top + (bottom-top)*down
		}
	}
	return big
}

// quantile returns the value below which a share of the values lies. It looks at 100,000 of them at most.
func quantile(values []float32, share float64) float32 {
	step := 1 + len(values)/100_000
	var some []float32
	for i := 0; i < len(values); i += step {
		some = append(some, values[i])
	}
	if len(some) == 0 {
		return 0
	}
	slices.Sort(some)
	return some[min(int(share*float64(len(some))), len(some)-1)]
}

// border returns the values of the outermost pixels.
func (p *plane) border() []float32 {
	var values []float32
	for y := range p.h {
		if y == 0 || y == p.h-1 {
			values = append(values, p.row(y)...)
			continue
		}
		values = append(values, p.v[y*p.w], p.v[y*p.w+p.w-1])
	}
	return values
}

// crop returns a copy of the part from column x0 to before x1 and from row y0 to before y1; 0 beyond the plane's edges.
func (p *plane) crop(x0, y0, x1, y1 int) plane {
	part := newPlane(x1-x0, y1-y0)
	for y := max(y0, 0); y < min(y1, p.h); y++ {
		from, to := max(x0, 0), min(x1, p.w)
		copy(part.row(y - y0)[from-x0:], p.row(y)[from:to])
	}
	return part
}

// extreme returns the largest of the values in the window of 2r+1 x 2r+1 pixels around each pixel, or the smallest.
func (p *plane) extreme(r int, largest bool) plane {
	better := func(a, b float32) bool { return a >= b }
	if !largest {
		better = func(a, b float32) bool { return a <= b }
	}
	across, out := newPlane(p.w, p.h), newPlane(p.w, p.h)
	for y := range p.h {
		slide(across.v[y*p.w:], p.v[y*p.w:], p.w, 1, r, better)
	}
	for x := range p.w {
		slide(out.v[x:], across.v[x:], p.h, p.w, r, better)
	}
	return out
}

// slide writes to to, for each of n values that lie step apart, the best of those at most r away (a queue of candidates, each better than
// those after it).
func slide(to, from []float32, n, step, r int, better func(a, b float32) bool) {
	queue := make([]int, 0, n)
	first := 0
	for i := range n + r {
		if i < n {
			for len(queue) > first && better(from[i*step], from[queue[len(queue)-1]*step]) {
				queue = queue[:len(queue)-1]
			}
			queue = append(queue, i)
		}
		if i >= r {
			if queue[first] < i-2*r {
				first++
			}
			to[(i-r)*step] = from[queue[first]*step]
		}
	}
}
