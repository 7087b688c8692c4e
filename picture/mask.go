package picture

// A mask says which pixels are ink: [h, w].
type mask struct {
	w, h int
	set  []bool
}

func newMask(w, h int) *mask { return &mask{w, h, make([]bool, w*h)} }

// at reports whether a pixel is ink. There is none beyond the edges.
func (m *mask) at(x, y int) bool { return x >= 0 && y >= 0 && x < m.w && y < m.h && m.set[y*m.w+x] }

// over returns the pixels whose value is larger than a threshold.
func (p *plane) over(threshold float32) *mask {
	m := newMask(p.w, p.h)
	for i, v := range p.v {
		m.set[i] = v > threshold
	}
	return m
}

// widenedBy returns the mask with all pixels within a square of 2r+1 x 2r+1 around its own. It sets each pixel once.
func (m *mask) widenedBy(r int) *mask {
	across, out := newMask(m.w, m.h), newMask(m.w, m.h)
	for y := range m.h {
		to, done := across.set[y*m.w:][:m.w], 0
		for x, set := range m.set[y*m.w:][:m.w] {
			if set {
				for i := max(done, x-r); i < min(x+r+1, m.w); i++ {
					to[i] = true
				}
				done = x + r + 1
			}
		}
	}
	done := make([]int, m.w)
	for y := range m.h {
		for x, set := range across.set[y*m.w:][:m.w] {
			if set {
				for i := max(done[x], y-r); i < min(y+r+1, m.h); i++ {
					out.set[i*m.w+x] = true
				}
				done[x] = y + r + 1
			}
		}
	}
	return out
}

// transposed returns the mask with rows and columns exchanged.
func (m *mask) transposed() *mask {
	t := newMask(m.h, m.w)
	for y := range m.h {
		for x := range m.w {
			t.set[x*t.w+y] = m.set[y*m.w+x]
		}
	}
	return t
}

// pooled returns the mask with cells of k x k pixels made one, which is ink if any of them is.
func (m *mask) pooled(k int) *mask {
	small := newMask((m.w+k-1)/k, (m.h+k-1)/k)
	for i, set := range m.set {
		if set {
			small.set[i/m.w/k*small.w+i%m.w/k] = true
		}
	}
	return small
}

// bounds are a box from column x0 to before x1 and from row y0 to before y1.
type bounds struct{ x0, y0, x1, y1 int }

func newBounds() bounds { return bounds{1 << 30, 1 << 30, 0, 0} }

func (b *bounds) add(x, y int) {
	b.x0, b.y0, b.x1, b.y1 = min(b.x0, x), min(b.y0, y), max(b.x1, x+1), max(b.y1, y+1)
}

func (b *bounds) union(o bounds) {
	b.x0, b.y0, b.x1, b.y1 = min(b.x0, o.x0), min(b.y0, o.y0), max(b.x1, o.x1), max(b.y1, o.y1)
}

func (b bounds) w() int { return max(0, b.x1-b.x0) }
func (b bounds) h() int { return max(0, b.y1-b.y0) }

// side returns the length of the longer side.
func (b bounds) side() int { return max(b.w(), b.h()) }

// A part is a set of pixels that are connected, perhaps over small gaps.
type part struct {
	bounds
	label int32
	area  int
}

// parts labels a mask's connected parts, from 1; ink at most 2r pixels apart is connected. labels is 0 where there is no ink.
func (m *mask) parts(r int) (parts []part, labels []int32) {
	wide := m
	if r > 0 {
		wide = m.widenedBy(r)
	}
	labels = make([]int32, len(m.set))
	var stack []int
	for start, set := range wide.set {
		if !set || labels[start] != 0 {
			continue
		}
		p := part{newBounds(), int32(len(parts) + 1), 0}
		labels[start] = p.label
		stack = append(stack[:0], start)
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%m.w, i/m.w
			if m.set[i] {
				p.area++
				p.add(x, y)
			}
			for yy := max(0, y-1); yy <= min(m.h-1, y+1); yy++ {
				for xx := max(0, x-1); xx <= min(m.w-1, x+1); xx++ {
					if j := yy*m.w + xx; wide.set[j] && labels[j] == 0 {
						labels[j] = p.label
						stack = append(stack, j)
					}
				}
			}
		}
		parts = append(parts, p)
	}
	for i, set := range m.set {
		if !set {
			labels[i] = 0
		}
	}
	return parts, labels
}
