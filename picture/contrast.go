package picture

import (
	"math"
	"slices"
)

// contrast is how far a picture's pixels are from the ground towards the ink: about 0 for the ground, level for ink.
type contrast struct {
	plane
	level float32 // of ink
	noise float32 // standard deviation on the ground

	strokes bool // the subject is drawn with strokes: most of the picture is ground
}

const (
	// leastLevel is the faintest ink, as a share of the light that the ground reflects; paper has as much texture.
	leastLevel = 0.075
	// noisy is the share of the level above which noise is averaged away, at the cost of resolution.
	noisy = 0.12
	// aboveNoise is how many standard deviations of noise ink is above.
	aboveNoise = 4
	// darkest keeps the noise of a dark ground from becoming contrast where differences are divided by the ground.
	darkest = 0.2
)

// newContrast measures each pixel's difference from the ground, as a share of the ground's light, along the one axis of colour in which there
// is most of it: lightness for black on white, red against green for red on green. Noisy pictures lose resolution until the noise is low.
func newContrast(p *pixels, frame Frame) *contrast {
	for {
		channels := p.channels()
		flat := frame.Stroke == 0
		differences := make([]plane, len(channels))
		under := grounds(channels, flat)
		for i, ground := range under {
			differences[i] = newPlane(ground.w, ground.h)
			for j, g := range ground.v {
				differences[i].v[j] = (channels[i].v[j] - g) / max(g, darkest)
			}
		}
		c := &contrast{plane: along(differences), strokes: !flat}
		c.clear(outside(under))
		c.measure()
		if c.noise <= noisy*c.level || min(c.w, c.h) < 2*smallest {
			return c
		}
		p = p.halved()
	}
}

// colours returns red, green and blue, or one of them where all are the same.
func (p *pixels) colours() []plane {
	if slices.Equal(p[0].v, p[1].v) && slices.Equal(p[0].v, p[2].v) {
		return p[:1]
	}
	return p[:3]
}

// channels returns what ink may differ from the ground in: red, green and blue, or alpha alone where everything opaque has one colour. Where a
// sheet lies on a transparent ground, this ground becomes as the sheet.
func (p *pixels) channels() []plane {
	alpha := &p[3]
	if slices.Min(alpha.v) > 0.99 {
		return p.colours()
	}
	lowest, highest := quantile(alpha.v, 0.001), quantile(alpha.v, 0.999)
	var opaque [3][]float32 // colours of opaque pixels
	count := newBounds()
	for i, a := range alpha.v {
		if a > 0.5*highest && a > 0 {
			count.add(i%alpha.w, i/alpha.w)
			for c := range opaque {
				opaque[c] = append(opaque[c], p[c].v[i]/a)
			}
		}
	}
	if highest-lowest > 0.1 {
		varied := false
		for c := range opaque {
			varied = varied || quantile(opaque[c], 0.98)-quantile(opaque[c], 0.02) > 0.15
		}
		if !varied || float64(len(opaque[0])) < 0.6*float64(count.w()*count.h()) {
			return []plane{*alpha}
		}
	}
	colours := make([]plane, 3)
	for c := range colours {
		colours[c] = newPlane(alpha.w, alpha.h)
		below := quantile(opaque[c], 0.5)
		for i, a := range alpha.v {
			colours[c].v[i] = p[c].v[i] + (1-a)*below
		}
	}
	return colours
}

// along projects differences of colour onto the axis along which the largest of them lie, so that ink is positive.
func along(differences []plane) plane {
	out := newPlane(differences[0].w, differences[0].h)
	if len(differences) == 1 {
		copy(out.v, differences[0].v)
		if cubes(out.v) < 0 {
			out.scale(-1)
		}
		return out
	}
	r, g, b := differences[0].v, differences[1].v, differences[2].v
	var moments [3][3]float64 // each difference weighs as much as its fourth power
	for i := range r {
		d := [3]float64{float64(r[i]), float64(g[i]), float64(b[i])}
		square := d[0]*d[0] + d[1]*d[1] + d[2]*d[2]
		for j := range d {
			for k := range j + 1 {
				moments[j][k] += square * d[j] * d[k]
			}
		}
	}
	moments[0][1], moments[0][2], moments[1][2] = moments[1][0], moments[2][0], moments[2][1]
	axis := [3]float64{1, 0.9, 0.8}
	for range 50 { // power iteration
		var next [3]float64
		length := 0.0
		for j := range next {
			for k := range axis {
				next[j] += moments[j][k] * axis[k]
			}
			length += next[j] * next[j]
		}
		if length = math.Sqrt(length); length < 1e-12 {
			break
		}
		for j := range next {
			axis[j] = next[j] / length
		}
	}
	norm := float32(0) // ink as dark as it can be on white has 1
	for _, a := range axis {
		norm += float32(math.Abs(a))
	}
	for i := range out.v {
		out.v[i] = (float32(axis[0])*r[i] + float32(axis[1])*g[i] + float32(axis[2])*b[i]) / norm
	}
	if cubes(out.v) < 0 {
		out.scale(-1)
	}
	return out
}

// cubes returns the sum of the cubes: its sign is that of the few large values among many small ones.
func cubes(values []float32) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v) * float64(v) * float64(v)
	}
	return sum
}

func (p *plane) scale(by float32) {
	for i := range p.v {
		p.v[i] *= by
	}
}

// clear makes ground of the pixels of a mask, which may be nil.
func (c *contrast) clear(m *mask) {
	if m == nil {
		return
	}
	for i, set := range m.set {
		if set {
			c.v[i] = 0
		}
	}
}

// measure sets the noise and the level of the ink.
func (c *contrast) measure() {
	median := quantile(c.v, 0.5)
	steps, away := make([]float32, 0, len(c.v)), make([]float32, 0, len(c.v))
	for y := range c.h {
		row := c.row(y)
		for x, v := range row {
			away = append(away, abs(v-median))
			if x > 0 {
				steps = append(steps, abs(v-row[x-1]))
			}
		}
	}
	// Half of normal noise is within 0.6745 standard deviations; the difference of two has the square root of two as much. What differs only
	// at a distance, as a paper's texture, counts as well.
	c.noise = quantile(steps, 0.5) / 0.954
	if c.strokes {
		c.noise = max(c.noise, quantile(away, 0.5)/0.6745)
	}
	var high []float32
	least := max(leastLevel, aboveNoise*c.noise)
	for _, v := range c.v {
		if v > least {
			high = append(high, v)
		}
	}
	c.level = quantile(high, 0.9)
}

func abs(v float32) float32 { return max(v, -v) }
