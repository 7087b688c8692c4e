package picture

import (
	"cmp"
	"math"
	"slices"
)

// A subject is a crop of a picture with one digit, or with the whole of another subject.
type subject struct {
	plane        // 0 is the ground, 1 is ink
	ink   *mask  // of the same size
	at    bounds // in the picture
	whole plane  // the picture's contrast, in the same measure, if it has the frame's size
}

const (
	together  = 0.5  // of the narrower one's width: parts above one another that overlap so far are one digit
	bar       = 0.5  // of the row's height: a lower part is a bar or a dot of the digit beside it
	barGap    = 0.25 // of the row's height, between a bar and its digit
	brokenGap = 0.06 // of the row's height, between two parts of a digit such as 4
	mostParts = 1000 // of a row of digits, specks left out
)

// findSubjects returns the digits in a picture's ink, from left to right. A picture that is not drawn with strokes has one subject.
func findSubjects(c *contrast, k *ink, frame Frame) []subject {
	if len(k.parts) == 0 {
		return nil
	}
	if frame.Stroke > 0 && len(k.parts) > mostParts { // a pattern
		return nil
	}
	if frame.Stroke == 0 {
		return []subject{newSubject(c, k, k.parts, frame)}
	}
	height := 0
	for _, p := range k.parts {
		height = max(height, p.h())
	}
	wide := 0
	for _, p := range k.parts {
		wide = max(wide, p.w())
	}
	row := float64(height)
	if float64(wide) > 2*row && len(k.parts) == 1 { // a bar alone
		row = float64(wide)
	}
	var found []subject
	all, row := groups(k.parts, row)
	for _, g := range all {
		if float64(g.bounds.side()) >= bar*row {
			found = append(found, newSubject(c, k, g.parts, frame))
		}
	}
	return found
}

// A group is the parts of one digit.
type group struct {
	bounds
	parts []part
}

// groups puts the parts that make one digit together, in a row that is as high as a part or higher: as the highest of the digits that come of it. It returns
// that height, too. The order is from left to right.
func groups(parts []part, height float64) (all []group, row float64) {
	for _, p := range parts {
		all = append(all, group{p.bounds, []part{p}})
	}
	join := func(i, j int) {
		all[i].union(all[j].bounds)
		all[i].parts = append(all[i].parts, all[j].parts...)
		height = max(height, float64(all[i].h()))
		all = slices.Delete(all, j, j+1)
	}
	for joined := true; joined; {
		joined = false
	pairs:
		for i := range all {
			for j := range all {
				if i != j && oneDigit(all[i].bounds, all[j].bounds, height) {
					join(i, j)
					joined = true
					break pairs
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b group) int { return cmp.Compare(a.x0+a.x1, b.x0+b.x1) })
	return all, height
}

// oneDigit reports whether two boxes belong to one digit of a row.
func oneDigit(a, b bounds, height float64) bool {
	overlap := float64(min(a.x1, b.x1) - max(a.x0, b.x0)) // negative: a gap
	apart := float64(max(a.y0, b.y0) - min(a.y1, b.y1))   // below one another
	if overlap >= together*float64(min(a.w(), b.w())) {
		return true
	}
	if float64(min(a.h(), b.h())) < bar*height {
		return -overlap < barGap*height && apart < barGap*height
	}
	return overlap < 0 && -overlap < brokenGap*height
}

// newSubject returns the crop with the given parts. Other ink in it becomes ground.
func newSubject(c *contrast, k *ink, parts []part, frame Frame) subject {
	strokes := frame.Stroke > 0
	b := newBounds()
	mine := map[int32]bool{}
	for _, p := range parts {
		b.union(p.bounds)
		mine[p.label] = true
	}
	margin := 2 + b.side()/softEdge
	s := subject{at: b}
	x0, y0, x1, y1 := b.x0-margin, b.y0-margin, b.x1+margin, b.y1+margin
	s.plane = c.crop(x0, y0, x1, y1)
	s.ink = newMask(s.w, s.h)
	other := newMask(s.w, s.h)
	var levels []float32
	for y := max(y0, 0); y < min(y1, c.h); y++ {
		for x := max(x0, 0); x < min(x1, c.w); x++ {
			i, j := y*c.w+x, (y-y0)*s.w+x-x0
			s.ink.set[j] = k.set[i] && mine[k.labels[i]]
			other.set[j] = k.all.set[i] && !s.ink.set[j]
			if s.ink.set[j] {
				levels = append(levels, c.v[i])
			}
		}
	}
	full := quantile(levels, 0.8)
	if !strokes { // a pattern
		full = quantile(levels, 0.98)
	}
	if c.w == frame.Cols && c.h == frame.Rows {
		s.whole = newPlane(c.w, c.h)
		for i, v := range c.v {
			s.whole.v[i] = min(max(v/full, 0), 1)
		}
	}
	near := s.ink.widenedBy(1 + b.side()/softEdge)
	for i, v := range s.v {
		v /= full
		if v < faint || strokes && (!near.set[i] || other.set[i]) {
			v = 0
		}
		s.v[i] = min(v, 1)
	}
	s.enlarge()
	return s
}

const (
	softEdge = 14  // a blurred edge reaches a fourteenth of a digit's size beyond its ink
	faint    = 0.1 // share of the ink's level below which a pixel is ground
	fine     = 80  // pixels of the longer side of a crop, at least: widths of strokes are measured on it
)

// enlarge interpolates a small crop, so that its ink has smooth outlines.
func (s *subject) enlarge() {
	k := int(math.Ceil(fine / float64(s.at.side())))
	if k <= 1 {
		return
	}
	s.plane = s.grown(k, s.w*k, s.h*k)
	s.ink = s.over(inkShare)
}

// bounds returns the box of the ink in the crop.
func (s *subject) bounds() bounds {
	b := newBounds()
	for i, set := range s.ink.set {
		if set {
			b.add(i%s.w, i/s.w)
		}
	}
	return b
}

// asIs reports whether the picture is already as the training images: of their size, with the subject where and as large as theirs.
func (s *subject) asIs(frame Frame) bool {
	if s.whole.v == nil || frame.Stroke == 0 {
		return s.whole.v != nil
	}
	x, y := s.whole.centre(frame.Centre)
	wantX, wantY := frame.centre()
	const near = 1.01 // pixels
	return math.Abs(x-wantX) < near && math.Abs(y-wantY) < near &&
		s.at.w() <= frame.BoxCols+1 && s.at.h() <= frame.BoxRows+1 &&
		(s.at.w() >= frame.BoxCols-3 || s.at.h() >= frame.BoxRows-3)
}
