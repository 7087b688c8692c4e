package picture

import (
	"cmp"
	"slices"
)

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

// ink returns the pixels that are ink, and whether there are any. Lines and frames are taken out where the subject is drawn with strokes.
func (c *contrast) ink() (*ink, bool) {
	if c.level < leastLevel {
		return nil, false
	}
	threshold := max(inkShare*c.level, aboveNoise*c.noise)
	all := c.over(threshold)
	if !c.strokes {
		k := &ink{all: all, mask: all, threshold: threshold}
		k.parts, k.labels = all.parts(k.gap())
		k.dropSpecks(c)
		return k, true
	}
	without, across, down := all.withoutRules()
	k := &ink{all: all, mask: without, threshold: threshold}
	k.parts, k.labels = k.mask.parts(k.gap())
	k.dropFrames()
	k.parts = slices.DeleteFunc(k.parts, func(p part) bool { return k.atEdge(p) && fragment(p, true, across, down) })
	k.drop(func(p part) bool { return fragment(p, false, across, down) })
	k.dropSpecks(c)
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
	anyInside := slices.ContainsFunc(k.parts, k.inside)
	byLeft := slices.SortedFunc(slices.Values(k.parts), func(a, b part) int { return cmp.Compare(a.x0, b.x0) })
	frame := func(p part) bool {
		thin := float64(min(p.w(), p.h())) < edge*side
		if thin && (float64(p.w()) > spanning*float64(k.w) || float64(p.h()) > spanning*float64(k.h)) {
			return true
		}
		if anyInside && k.atEdge(p) && k.hugs(p) { // and so is not inside itself
			return true
		}
		if float64(p.area) > hollow*float64(p.w()*p.h()) {
			return false
		}
		first, _ := slices.BinarySearchFunc(byLeft, p.x0, func(o part, x int) int { return cmp.Compare(o.x0, x+1) })
		for _, o := range byLeft[first:] {
			if o.x0 >= p.x1 {
				break
			}
			if k.encloses(p, o) {
				return true
			}
		}
		return false
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

const (
	hugging = 0.35 // share of a side of the picture along which a part touches it
	shallow = 0.15 // share of the picture to which a part reaches into it that touches a side with most of its length
	mostly  = 0.6
	notTiny = 0.15 // share of the picture's shorter side
)

// hugs reports whether a part lies along a side of the picture, as the dark edge of a scan or a strip of the table below a sheet.
func (k *ink) hugs(p part) bool {
	touches := func(first, step, n, length, depth, side int) bool {
		count := 0
		for i := range n {
			if k.labels[first+i*step] == p.label {
				count++
			}
		}
		return float64(count) > hugging*float64(n) || float64(depth) < shallow*float64(side) && float64(count) > mostly*float64(length)
	}
	return touches(0, 1, k.w, p.w(), p.h(), k.h) || touches((k.h-1)*k.w, 1, k.w, p.w(), p.h(), k.h) ||
		touches(0, k.w, k.h, p.h(), p.w(), k.w) || touches(k.w-1, k.w, k.h, p.h(), p.w(), k.w)
}

func (k *ink) atEdge(p part) bool { return p.x0 == 0 || p.y0 == 0 || p.x1 == k.w || p.y1 == k.h }

// inside reports whether a part that is not tiny touches no side of the picture.
func (k *ink) inside(p part) bool {
	return !k.atEdge(p) && float64(p.side()) > notTiny*float64(min(k.w, k.h))
}

// encloses reports whether a part, of which most of the box is free, has ink on all sides of another, which is not much smaller.
func (k *ink) encloses(outer, inner part) bool {
	if outer.label == inner.label || inner.x0 <= outer.x0 || inner.x1 >= outer.x1 || inner.y0 <= outer.y0 || inner.y1 >= outer.y1 ||
		float64(inner.h()) < enclosed*float64(outer.h()) {
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
	pale      = 0.65 // of the largest part's level
	paleArea  = 0.35 // of the largest part's area
)

// dropSpecks takes out what is small, for itself or beside the largest part, and what is smaller and paler.
func (k *ink) dropSpecks(c *contrast) {
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
	counts := map[int32]float32{}
	sums := map[int32]float32{}
	for i, label := range k.labels {
		if label != 0 {
			counts[label]++
			sums[label] += c.v[i]
		}
	}
	level := func(p part) float32 { return sums[p.label] / counts[p.label] }
	k.parts = slices.DeleteFunc(k.parts, func(p part) bool {
		return float64(p.side()) < speckSide*float64(largest.side()) && float64(p.area) < speckArea*float64(largest.area) ||
			level(p) < pale*level(largest) && (k.atEdge(p) || float64(p.area) < paleArea*float64(largest.area))
	})
}
