package picture

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

const (
	groundSide = 200 // pixels of the longer side of the plane on which a local ground is estimated
	medianSide = 32  // and of the one on which it is decided whether ink is lighter or darker
	strokeSide = 5   // strokes are thinner than a fifth of the shorter side, or enclosed by the ground
)

// localGround returns the ground of a picture with uneven light: a closing where ink is dark takes out all that is dark and thin, and filling
// takes out what is dark and touches no border. It is done with the picture and with its difference from the light's trend; neither gives less than
// the ground, so the smaller value is taken. Where ink is light, all is the other way round.
func localGround(channel *plane) plane {
	k := max(1, (max(channel.w, channel.h)+groundSide-1)/groundSide)
	small := channel.shrunk(k)
	light := inkIsLight(&small)
	if light {
		small = small.negative()
	}
	closed, trend := small.closed(), small.trend()
	even := newPlane(small.w, small.h) // without what the light does to the edges and corners, which a closing overestimates
	for i, v := range small.v {
		even.v[i] = v - trend.v[i]
	}
	even = even.closed()
	for i, v := range even.v { // where an edge of light made the polynomial wave, it is the one too high
		closed.v[i] = min(closed.v[i], v+trend.v[i])
	}
	if light {
		closed.scale(-1)
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

const (
	otherLight = 2.5 // so many times lighter or darker, a ground is not the same one in a shadow
	beyond     = 0.03
)

// outside returns what lies beyond a sheet, as the table below it: where the ground is much lighter or darker than in the picture's middle, all
// the way to an edge of the picture. It is nil where there is no such thing.
func outside(grounds []plane) *mask {
	light := newPlane(grounds[0].w, grounds[0].h)
	for _, g := range grounds {
		for i, v := range g.v {
			light.v[i] += max(v, 0.02)
		}
	}
	k := max(1, (max(light.w, light.h)+groundSide-1)/groundSide)
	small := light.shrunk(k)
	middle := small.crop(small.w/4, small.h/4, small.w-small.w/4, small.h-small.h/4)
	usual := quantile(middle.v, 0.5)
	other := newMask(small.w, small.h)
	for i, v := range small.v {
		other.set[i] = v > otherLight*usual || v < usual/otherLight
	}
	parts, labels := other.parts(0)
	beyondEdge := map[int32]bool{}
	for _, p := range parts {
		if p.x0 == 0 || p.y0 == 0 || p.x1 == small.w || p.y1 == small.h {
			beyondEdge[p.label] = true
		}
	}
	if len(beyondEdge) == 0 {
		return nil
	}
	for i, label := range labels {
		other.set[i] = beyondEdge[label]
	}
	wide := other.widenedBy(1 + int(beyond*float64(min(small.w, small.h))))
	out := newMask(light.w, light.h)
	for y := range out.h {
		for x := range out.w {
			out.set[y*out.w+x] = wide.set[y/k*wide.w+x/k]
		}
	}
	return out
}

// closed returns the plane without what is dark and thin, or dark and enclosed.
func (p *plane) closed() plane {
	smooth := p.median3()
	r := max(1, min(p.w, p.h)/strokeSide/2)
	out := smooth.largest(r)
	out = out.smallest(r)
	out.fill()
	return out
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
			medians.row(y)[x] = nth(values, len(values)/2)
		}
	}
	local := medians.grown(k, channel.w, channel.h)
	differences := make([]float32, len(channel.v))
	for i, v := range channel.v {
		differences[i] = v - local.v[i]
	}
	return cubes(differences) > 0
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
