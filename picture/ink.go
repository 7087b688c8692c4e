package picture

import "slices"

// inkShare is the share of the ink's level above which a pixel is ink.
const inkShare = 0.4

// An ink is where a picture has ink.
type ink struct {
	*mask            // without ruled lines
	all       *mask  // with them
	parts     []part // of mask, without frames, specks and noise
	labels    []int32
	threshold float32
}

// ink returns the pixels that are ink, and whether there are any.
func (c *contrast) ink() (*ink, bool) {
	if c.level < leastLevel {
		return nil, false
	}
	threshold := max(inkShare*c.level, aboveNoise*c.noise)
	all := c.over(threshold)
	without, across, down := all.withoutRules()
	k := &ink{all: all, mask: without, threshold: threshold}
	k.parts, k.labels = k.mask.parts(k.gap())
	k.drop(func(p part) bool { return fragment(p, k.w, k.h, across, down) })
	k.dropFrames()
	k.dropSpecks()
	return k, true
}

// gap is half of how far ink may be apart within a stroke, pixels.
func (k *ink) gap() int { return min(k.w, k.h) / 250 }

// erase takes ink out of the contrast, and measures what is left.
func (c *contrast) erase(k *ink) {
	for i, set := range k.all.widenedBy(2 + min(c.w, c.h)/100).set {
		if set {
			c.v[i] = 0
		}
	}
	c.measure()
}

const (
	spanning = 0.85 // share of the picture that a line spans
	edge     = 0.06 // share of the picture within which something lies along its edge
	enclosed = 0.3  // share of a frame's height that what it encloses has at least
	hollow   = 0.4  // share of its box that a frame's ink fills at most
)

// dropFrames takes out the parts that are no digits, if there are others: what encloses another part, what spans the picture and is as thin as
// a line, and what lies along the picture's edge.
func (k *ink) dropFrames() {
	side := float64(min(k.w, k.h))
	frame := func(p part) bool {
		thin := float64(min(p.w(), p.h())) < edge*side
		if thin && (float64(p.w()) > spanning*float64(k.w) || float64(p.h()) > spanning*float64(k.h)) {
			return true
		}
		near := int(edge * side)
		if p.x1 <= near || p.y1 <= near || p.x0 >= k.w-near || p.y0 >= k.h-near {
			return p.x0 == 0 || p.y0 == 0 || p.x1 == k.w || p.y1 == k.h
		}
		return slices.ContainsFunc(k.parts, func(o part) bool { return k.encloses(p, o) })
	}
	k.drop(frame)
}

// drop takes out parts, if others remain that may be a digit.
func (k *ink) drop(which func(part) bool) {
	var rest []part
	largest := 0
	for _, p := range k.parts {
		if !which(p) {
			rest = append(rest, p)
			largest = max(largest, p.side())
		}
	}
	if float64(largest) >= leastSide*float64(min(k.w, k.h)) {
		k.parts = rest
	}
}

// encloses reports whether a part has ink on all sides of another, which is not much smaller.
func (k *ink) encloses(outer, inner part) bool {
	if outer.label == inner.label || inner.x0 <= outer.x0 || inner.x1 >= outer.x1 || inner.y0 <= outer.y0 || inner.y1 >= outer.y1 ||
		float64(inner.h()) < enclosed*float64(outer.h()) || float64(outer.area) > hollow*float64(outer.w()*outer.h()) {
		return false
	}
	x, y := (inner.x0+inner.x1)/2, (inner.y0+inner.y1)/2
	for _, d := range [][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}} {
		hit := false
		for xx, yy := x, y; xx >= 0 && yy >= 0 && xx < k.w && yy < k.h && !hit; xx, yy = xx+d[0], yy+d[1] {
			hit = k.labels[yy*k.w+xx] == outer.label
		}
		if !hit {
			return false
		}
	}
	return true
}

const (
	leastSide = 0.06 // of the picture's shorter side: a smaller part is no digit
	speckSide = 0.13 // of the largest part's longer side
	speckArea = 0.04 // of the largest part's area
)

// dropSpecks takes out what is small, for itself or beside the largest part.
func (k *ink) dropSpecks() {
	var largest part
	for _, p := range k.parts {
		if p.side() > largest.side() {
			largest = p
		}
	}
	if float64(largest.side()) < max(leastSide*float64(min(k.w, k.h)), 4) {
		k.parts = nil
		return
	}
	k.parts = slices.DeleteFunc(k.parts, func(p part) bool {
		return float64(p.side()) < speckSide*float64(largest.side()) && float64(p.area) < speckArea*float64(largest.area)
	})
}
