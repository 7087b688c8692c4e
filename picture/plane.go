package picture

import "math"

// A plane is one value for each pixel: [h, w].
type plane struct {
	w, h int
	v    []float32
}

func newPlane(w, h int) plane { return plane{w, h, make([]float32, w*h)} }

func (p *plane) row(y int) []float32 { return p.v[y*p.w:][:p.w] }

// shrunk returns the plane with cells of k x k pixels averaged to one. Cells at the right and lower edges may be smaller. With a k of 1 it is
// the plane itself.
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
	rows, columns := between(k, h, p.h), between(k, w, p.w)
	for y, down := range rows {
		a, b, out := p.row(down.first), p.row(down.second), big.row(y)
		for x, across := range columns {
			top := a[across.first] + (a[across.second]-a[across.first])*across.share
			bottom := b[across.first] + (b[across.second]-b[across.first])*across.share
			out[x] = top + (bottom-top)*down.share
		}
	}
	return big
}

// cells are the two cells of k pixels whose centres are around a pixel, and the share of the second.
type cells struct {
	first, second int
	share         float32
}

// between returns the cells around each of so many pixels, where there are so many cells.
func between(k, pixels, count int) []cells {
	all := make([]cells, pixels)
	for i := range all {
		place := (float64(i)+0.5)/float64(k) - 0.5
		low := int(math.Floor(place))
		all[i] = cells{min(max(low, 0), count-1), min(max(low+1, 0), count-1), float32(place - float64(low))}
	}
	return all
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

// largest returns the largest of the values in the window of 2r+1 x 2r+1 pixels around each pixel.
func (p *plane) largest(r int) plane {
	across, out := newPlane(p.w, p.h), newPlane(p.w, p.h)
	before, after := make([]float32, (p.h+2*r)*p.w+2*r), make([]float32, (p.h+2*r)*p.w+2*r)
	for y := range p.h {
		slide(across.row(y), p.row(y), 1, r, before, after)
	}
	slide(out.v, across.v, p.w, r, before, after)
	return out
}

// smallest returns the smallest of the values in the window of 2r+1 x 2r+1 pixels around each pixel.
func (p *plane) smallest(r int) plane {
	below := p.negative()
	below = below.largest(r)
	return below.negative()
}

func (p *plane) negative() plane {
	out := newPlane(p.w, p.h)
	for i, v := range p.v {
		out.v[i] = -v
	}
	return out
}

// slide writes to to the largest of each group's values and those of the groups at most r away; a group is n values side by side. In blocks of 2r+1
// groups, a window is the end of one block and the start of the next (van Herk, "A fast algorithm for local minimum and maximum filters"). before
// and after are memory for 2r groups more than there are.
func slide(to, from []float32, n, r int, before, after []float32) {
	count, window := len(from)/n+2*r, 2*r+1
	before, after = before[:count*n], after[:count*n] // the largest since the block's start, and up to its end
	for _, padded := range [][]float32{before, after} {
		for i := range r * n {
			padded[i], padded[len(padded)-1-i] = lowest, lowest
		}
		copy(padded[r*n:], from)
	}
	for i := 1; i < count; i++ {
		if i%window != 0 {
			raise(before[i*n:][:n], before[(i-1)*n:])
		}
	}
	for i := count - 2; i >= 0; i-- {
		if i%window != window-1 {
			raise(after[i*n:][:n], after[(i+1)*n:])
		}
	}
	copy(to, after)
	raise(to, before[2*r*n:])
}

const lowest = -math.MaxFloat32

// raise raises each of the values to another one, if that is larger.
func raise(values, to []float32) {
	to = to[:len(values)]
	for i, v := range to {
		if v > values[i] {
			values[i] = v
		}
	}
}
