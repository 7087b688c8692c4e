package picture

import "math"

// thin is the share of a frame's stroke below which strokes are widened: two of a hundred of MNIST's digits have thinner ones.
const thin = 0.6

// thickness returns the subject with strokes that have at least the frame's width once it is scaled. Strokes that are thick enough stay as
// they are.
func (s *subject) thickness(frame Frame) *plane {
	if frame.Stroke == 0 {
		return &s.plane
	}
	b := s.bounds()
	box := float64(max(b.w()*frame.BoxRows, b.h()*frame.BoxCols)) / float64(frame.BoxRows*frame.BoxCols) // pixels of one of the frame
	width := s.ink.stroke()
	if width/box >= thin*frame.Stroke {
		return &s.plane
	}
	// Widened by r on each side, strokes are width+2r wide and the subject is 2r larger: (width + 2r) / (side + 2r) = stroke / boxSide.
	boxSide := float64(min(frame.BoxRows, frame.BoxCols))
	side := box * boxSide
	r := (frame.Stroke*side/boxSide - width) / (2 * (1 - frame.Stroke/boxSide))
	return s.ink.widened(r)
}

// stroke returns the typical width of the strokes in a mask, pixels: twice the area by the perimeter.
func (m *mask) stroke() float64 {
	area, perimeter := 0, 0.0
	for y := -1; y < m.h; y++ {
		for x := -1; x < m.w; x++ {
			if m.at(x, y) {
				area++
			}
			n := 0
			for _, set := range [4]bool{m.at(x, y), m.at(x+1, y), m.at(x, y+1), m.at(x+1, y+1)} {
				if set {
					n++
				}
			}
			switch { // the outline's length within four pixels
			case n == 1 || n == 3:
				perimeter += math.Sqrt2 / 2
			case n == 2 && m.at(x, y) == m.at(x+1, y+1):
				perimeter += math.Sqrt2
			case n == 2:
				perimeter++
			}
		}
	}
	return 2 * float64(area) / max(perimeter, 1)
}

// widened returns a mask's ink widened by r pixels on each side, with r pixels more around it, as a plane whose edges are smooth.
func (m *mask) widened(r float64) *plane {
	margin := int(math.Ceil(r)) + 1
	big := newMask(m.w+2*margin, m.h+2*margin)
	for y := range m.h {
		copy(big.set[(y+margin)*big.w+margin:], m.set[y*m.w:][:m.w])
	}
	out := newPlane(big.w, big.h)
	for i, d := range big.distances() {
		out.v[i] = float32(min(max(r+0.5-math.Sqrt(d), 0), 1)) // half of an edge's pixel is covered
	}
	return &out
}

// distances returns the square of each pixel's distance from the nearest one of the mask (Felzenszwalb, Huttenlocher, "Distance Transforms of
// Sampled Functions").
func (m *mask) distances() []float64 {
	const far = 1e12
	d := make([]float64, len(m.set))
	for i, set := range m.set {
		if !set {
			d[i] = far
		}
	}
	n := max(m.w, m.h)
	line, out, parabolas, starts := make([]float64, n), make([]float64, n), make([]int, n), make([]float64, n+1)
	for x := range m.w {
		for y := range m.h {
			line[y] = d[y*m.w+x]
		}
		envelope(out[:m.h], line[:m.h], parabolas, starts)
		for y := range m.h {
			d[y*m.w+x] = out[y]
		}
	}
	for y := range m.h {
		row := d[y*m.w:][:m.w]
		copy(line, row)
		envelope(row, line[:m.w], parabolas, starts)
	}
	return d
}

// envelope writes to out the lower envelope of the parabolas (x - i)² + f[i].
func envelope(out, f []float64, parabolas []int, starts []float64) {
	k := 0
	parabolas[0], starts[0], starts[1] = 0, math.Inf(-1), math.Inf(1)
	for i := 1; i < len(f); i++ {
		var s float64
		for {
			p := parabolas[k]
			s = (f[i] + float64(i*i) - f[p] - float64(p*p)) / float64(2*(i-p))
			if s > starts[k] {
				break
			}
			k--
		}
		k++
		parabolas[k], starts[k], starts[k+1] = i, s, math.Inf(1)
	}
	k = 0
	for x := range out {
		for starts[k+1] < float64(x) {
			k++
		}
		p := parabolas[k]
		out[x] = float64((x-p)*(x-p)) + f[p]
	}
}
