package picture

import "slices"

// Tolerances of a ground of one colour, and the shares of the border and of all pixels that must have it.
const (
	sameColour   = 4.0 / 255
	ofBorder     = 0.9
	ofPicture    = 0.25
	mostOfAll    = 0.5
	rings        = 8   // a ring of the ground's colour lies within an eighth of the shorter side from the edges
	mostFrame    = 0.3 // of the pixels: a frame of the ink's colour has fewer
	commonShare  = 0.35
	betweenBins  = 16
	betweenShare = 0.08  // of the pixels, in each bin between two colours
	pastBy       = 0.2   // of the distance between the two colours
	pastShare    = 0.003 // of the pixels, that are so far on the other side of the common colour
	histogramBy  = 16    // values of a channel in a cell of the histogram
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
	if colour, ok := twoColours(channels, edges, common); ok {
		return colour, true
	}
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

// twoColours returns the ground of a picture of two colours and what is between them, if it is one: with the most common colour, and another. An
// ink and a ground of which a part is in shadow are three colours: where most of it is in shadow, the ink is darker than the most common colour, and the
// rest is lighter.
func twoColours(channels []plane, edges [][]float32, common []float32) ([]float32, bool) {
	distance := func(i int) float32 {
		d := float32(0)
		for c := range channels {
			d = max(d, abs(channels[c].v[i]-common[c]))
		}
		return d
	}
	far := newPlane(channels[0].w, channels[0].h)
	near := 0
	for i := range far.v {
		far.v[i] = distance(i)
		if far.v[i] <= sameColour {
			near++
		}
	}
	most := quantile(far.v, 0.99)
	if float64(near) < commonShare*float64(len(far.v)) || most < leastLevel {
		return nil, false
	}
	other, members := make([]float32, len(channels)), float32(0)
	for i, d := range far.v {
		if d >= 0.9*most {
			for c := range channels {
				other[c] += channels[c].v[i]
			}
			members++
		}
	}
	length := float32(0)
	for c := range other {
		other[c] /= members
		length += (other[c] - common[c]) * (other[c] - common[c])
	}
	var between [betweenBins]int
	past := 0 // pixels that differ from the common colour in the other direction
	for i := range far.v {
		along, square := float32(0), float32(0)
		for c := range channels {
			d := channels[c].v[i] - common[c]
			along += d * (other[c] - common[c])
			square += d * d
		}
		along /= length
		if along < -pastBy {
			past++
		}
		if square-along*along*length > 0.01 {
			between[0]++ // another colour
			continue
		}
		if bin := int(along * betweenBins); bin > 0 && bin < betweenBins-2 {
			between[bin]++
		}
	}
	if float64(slices.Max(between[:])) > betweenShare*float64(len(far.v)) || float64(past) > pastShare*float64(len(far.v)) {
		return nil, false
	}
	isOther := func(c []float32) int {
		toOther, toCommon := float32(0), float32(0)
		for i := range c {
			toOther, toCommon = toOther+abs(c[i]-other[i]), toCommon+abs(c[i]-common[i])
		}
		if toOther < toCommon {
			return 1
		}
		return 0
	}
	count := func(values [][]float32) float64 { // the share that is nearer to the other colour
		n, colour := 0, make([]float32, len(values))
		for i := range values[0] {
			for c := range values {
				colour[c] = values[c][i]
			}
			n += isOther(colour)
		}
		return float64(n) / float64(len(values[0]))
	}
	all := make([][]float32, len(channels))
	for c := range channels {
		all[c] = channels[c].v
	}
	if n := count(all); n > mostFrame && n+count(edges) > 1 {
		return other, true
	}
	return common, true
}

// mostCommon returns the most common colour: the mean of those near the fullest cell of a histogram.
func mostCommon(channels []plane) []float32 {
	cells := make([]uint16, len(channels[0].v))
	size := 1
	for c := range channels {
		for i, v := range channels[c].v {
			cells[i] = cells[i]*(256/histogramBy) + uint16(min(int(v*255), 255)/histogramBy)
		}
		size *= 256 / histogramBy
	}
	counts := make([]int, size)
	for _, at := range cells {
		counts[at]++
	}
	most := slices.Max(counts)
	best := slices.Index(counts, most)
	members := make([][]float32, len(channels))
	for c := range channels {
		members[c] = make([]float32, 0, most)
		for i, at := range cells {
			if int(at) == best {
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
