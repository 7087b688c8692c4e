package picture

import "slices"

// grounds returns what each channel would be without ink. flat is set where the ground is the same everywhere.
//
// A drawing's ground is the one colour that most of its border or most of it has. A photograph's is estimated for each place, since there is
// light and shadow.
func grounds(channels []plane, flat bool) []plane {
	colour, constant := oneGround(channels, flat)
	out := make([]plane, len(channels))
	for c := range channels {
		if constant {
			out[c] = newPlane(channels[c].w, channels[c].h)
			for i := range out[c].v {
				out[c].v[i] = colour[c]
			}
			continue
		}
		out[c] = localGround(&channels[c])
	}
	return out
}

// Tolerances of a ground of one colour, and the shares of the border and of all pixels that must have it.
const (
	sameColour  = 4.0 / 255
	ofBorder    = 0.9
	ofPicture   = 0.25
	mostOfAll   = 0.5
	rings       = 8  // a ring of the ground's colour lies within an eighth of the shorter side from the edges
	histogramBy = 16 // values of a channel in a cell of the histogram
)

// oneGround returns the colour of a ground that is the same everywhere, and whether there is one. With always, there is: the border's.
func oneGround(channels []plane, always bool) ([]float32, bool) {
	border := make([]float32, len(channels))
	edges := make([][]float32, len(channels))
	for c := range channels {
		edges[c] = channels[c].border()
		border[c] = quantile(edges[c], 0.5)
	}
	if always {
		return border, true
	}
	if share(edges, border) >= ofBorder {
		values := make([][]float32, len(channels))
		for c := range channels {
			values[c] = channels[c].v
		}
		if share(values, border) >= ofPicture {
			return border, true
		}
	}
	common := mostCommon(channels)
	values := make([][]float32, len(channels))
	for c := range channels {
		values[c] = channels[c].v
	}
	if share(values, common) < mostOfAll {
		return nil, false
	}
	w, h := channels[0].w, channels[0].h
	for d := 0; d <= min(w, h)/rings; d += 1 + min(w, h)/100 { // a shadow reaches over all rings, a frame doesn't
		for c := range channels {
			ring := channels[c].crop(d, d, w-d, h-d)
			edges[c] = ring.border()
		}
		if share(edges, common) >= ofBorder {
			return common, true
		}
	}
	return nil, false
}

// share returns the share of pixels that have a colour.
func share(channels [][]float32, colour []float32) float64 {
	n := 0
pixels:
	for i := range channels[0] {
		for c := range channels {
			if abs(channels[c][i]-colour[c]) > sameColour {
				continue pixels
			}
		}
		n++
	}
	return float64(n) / float64(len(channels[0]))
}

// mostCommon returns the most common colour: the mean of those near the fullest cell of a histogram.
func mostCommon(channels []plane) []float32 {
	cell := func(i int) (at int) {
		for c := range channels {
			at = at*(256/histogramBy) + min(int(channels[c].v[i]*255), 255)/histogramBy
		}
		return at
	}
	counts := map[int]int{}
	for i := range channels[0].v {
		counts[cell(i)]++
	}
	best, most := 0, -1
	for at, n := range counts {
		if n > most || n == most && at < best {
			best, most = at, n
		}
	}
	members := make([][]float32, len(channels))
	for i := range channels[0].v {
		if cell(i) == best {
			for c := range channels {
				members[c] = append(members[c], channels[c].v[i])
			}
		}
	}
	colour := make([]float32, len(channels))
	for c := range channels {
		colour[c] = quantile(members[c], 0.5)
	}
	return colour
}

const (
	groundSide = 200 // pixels of the longer side of the plane on which a local ground is estimated
	medianSide = 32  // and of the one on which it is decided whether ink is lighter or darker
	strokeSide = 5   // strokes are thinner than a fifth of the shorter side, or enclosed by the ground
)

// localGround returns the ground of a picture with uneven light: a closing where ink is dark takes out all that is dark and thin, and filling
// takes out what is dark and touches no border. Where ink is light, all is the other way round.
func localGround(channel *plane) plane {
	k := max(1, (max(channel.w, channel.h)+groundSide-1)/groundSide)
	small := channel.shrunk(k)
	light := inkIsLight(&small)
	if light {
		small.scale(-1)
	}
	smooth := small.median3()
	r := max(1, min(small.w, small.h)/strokeSide/2)
	closed := smooth.extreme(r, true)
	closed = closed.extreme(r, false)
	closed.fill()
	if light {
		closed.scale(-1)
		small.scale(-1)
	}
	ground := closed.grown(k, channel.w, channel.h)
	// The largest of many values is above their middle: the ground is moved so that the median difference from it is none.
	differences := make([]float32, len(ground.v))
	for i, g := range ground.v {
		differences[i] = channel.v[i] - g
	}
	middle := quantile(differences, 0.5)
	for i := range ground.v {
		ground.v[i] += middle
	}
	return ground
}

// inkIsLight reports whether the few pixels that differ most from what is around them are lighter than it.
func inkIsLight(channel *plane) bool {
	k := max(1, (max(channel.w, channel.h)+medianSide-1)/medianSide)
	small := channel.shrunk(k)
	r := max(1, min(small.w, small.h)/4)
	values := make([]float32, 0, len(channel.v))
	medians := newPlane(small.w, small.h)
	for y := range small.h {
		for x := range small.w {
			values = values[:0]
			for yy := max(0, y-r); yy <= min(small.h-1, y+r); yy++ {
				values = append(values, small.row(yy)[max(0, x-r):min(small.w, x+r+1)]...)
			}
			slices.Sort(values)
			medians.row(y)[x] = values[len(values)/2]
		}
	}
	local := medians.grown(k, channel.w, channel.h)
	differences := make([]float32, len(channel.v))
	for i, v := range channel.v {
		differences[i] = v - local.v[i]
	}
	return cubes(differences) > 0
}

// median3 returns the median of the 3x3 pixels around each pixel.
func (p *plane) median3() plane {
	out := newPlane(p.w, p.h)
	var values [9]float32
	for y := range p.h {
		for x := range p.w {
			n := 0
			for yy := max(0, y-1); yy <= min(p.h-1, y+1); yy++ {
				n += copy(values[n:], p.row(yy)[max(0, x-1):min(p.w, x+2)])
			}
			slices.Sort(values[:n])
			out.row(y)[x] = values[n/2]
		}
	}
	return out
}

// fill raises each pixel that is lower than all around it to the level at which it would flow over to the border (morphological reconstruction
// by erosion; sweeps in both directions until nothing changes).
func (p *plane) fill() {
	level := newPlane(p.w, p.h)
	for y := range p.h {
		for x := range p.w {
			level.row(y)[x] = 10 // above all
			if x == 0 || y == 0 || x == p.w-1 || y == p.h-1 {
				level.row(y)[x] = p.row(y)[x]
			}
		}
	}
	lower := func(i, neighbour int) bool {
		v := max(p.v[i], level.v[neighbour])
		if v < level.v[i] {
			level.v[i] = v
			return true
		}
		return false
	}
	for changed := true; changed; {
		changed = false
		for y := 1; y < p.h-1; y++ {
			for x := 1; x < p.w-1; x++ {
				i := y*p.w + x
				changed = lower(i, i-1) || changed
				changed = lower(i, i-p.w) || changed
			}
		}
		for y := p.h - 2; y > 0; y-- {
			for x := p.w - 2; x > 0; x-- {
				i := y*p.w + x
				changed = lower(i, i+1) || changed
				changed = lower(i, i+p.w) || changed
			}
		}
	}
	p.v = level.v
}
