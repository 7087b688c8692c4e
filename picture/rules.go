package picture

import (
	"math"
	"slices"
)

// A rule is a straight line from one side of the picture to the other: row y = at + slope·(x - w/2), in pixels.
type rule struct {
	at, slope float64
	thick     int // pixels
}

const (
	rulesSide  = 400  // pixels of the longer side of the mask on which rules are found
	steepest   = 0.18 // slope of ten degrees
	covered    = 0.85 // share of its columns in which a rule has ink
	ruleThick  = 0.03 // share of the picture's shorter side that a rule is thick at most
	keepAway   = 0.04 // share of the picture that remains free at its sides where a single rule has been taken out
	crossing   = 1.6  // a run longer than so many times a rule's thickness is a stroke that crosses it
	mostRules  = 60
	ruledLines = 3 // parallel rules that are ruled paper for certain
)

// withoutRules returns the mask without the lines of ruled or squared paper and of frames at the picture's edges, and these lines: those closer to
// horizontal, and those closer to vertical, with rows and columns exchanged. Strokes that cross a line stay.
//
// A single line may be the bar of a digit that touches the picture's edges: it is taken out only if nothing else touches them.
func (m *mask) withoutRules() (without *mask, across, down []rule) {
	across = m.rules()
	down = m.transposed().rules()
	if len(across)+len(down) == 0 {
		return m, nil, nil
	}
	without = m.erased(across)
	without = without.transposed().erased(down).transposed()
	if len(across) >= ruledLines || len(down) >= ruledLines || len(across) >= 2 && len(down) >= 2 {
		return without, across, down
	}
	rest := newBounds()
	for i, set := range without.set {
		if set {
			rest.add(i%m.w, i/m.w)
		}
	}
	away := func(low, high, side int) bool {
		free := keepAway * float64(side)
		return float64(low) >= free && float64(side-high) >= free
	}
	if rest.side() == 0 || len(across) > 0 && !away(rest.x0, rest.x1, m.w) || len(down) > 0 && !away(rest.y0, rest.y1, m.h) {
		return m, nil, nil
	}
	return without, across, down
}

// rules finds the rules that are closer to horizontal than to vertical. All have about the slope at which there are most.
func (m *mask) rules() []rule {
	k := max(1, (max(m.w, m.h)+rulesSide-1)/rulesSide)
	small := m.pooled(k)
	if small.w < 20 || small.h < 20 {
		return nil
	}
	near := small.thickened()
	rows := near.columns()
	steps := int(steepest * float64(small.w))
	slope, most := 0, 0.0
	for s := -steps; s <= steps; s++ {
		lines := near.lines(rows, float64(s)/float64(small.w))
		total := 0.0
		for _, l := range lines {
			total += l.share
		}
		if total > most {
			slope, most = s, total
		}
	}
	var found []rule
	for _, s := range []int{slope, slope - 1, slope + 1, slope - 2, slope + 2} {
		for _, l := range near.lines(near.columns(), float64(s)/float64(small.w)) {
			r := rule{at: (l.at + 0.5) * float64(k), slope: float64(s) / float64(small.w)}
			r.thick = m.thickness(r, k)
			for x := range near.w { // it is not found again
				y := int(math.Round(l.at + r.slope*float64(x-near.w/2)))
				for yy := max(0, y-1-r.thick/k); yy <= min(near.h-1, y+1+r.thick/k); yy++ {
					near.set[yy*near.w+x] = false
				}
			}
			if float64(r.thick) <= max(3, ruleThick*float64(min(m.w, m.h))) && len(found) < mostRules {
				found = append(found, r)
			}
		}
	}
	return found
}

// thickened returns the mask with a row above and below its ink, since lines are not quite straight.
func (m *mask) thickened() *mask {
	out := newMask(m.w, m.h)
	for i, set := range m.set {
		if set {
			out.set[i] = true
			if i >= m.w {
				out.set[i-m.w] = true
			}
			if i+m.w < len(out.set) {
				out.set[i+m.w] = true
			}
		}
	}
	return out
}

// columns returns, for each column, the rows in which it has ink.
func (m *mask) columns() [][]int32 {
	counts := make([]int, m.w)
	all := 0
	for y := range m.h {
		for x, set := range m.set[y*m.w:][:m.w] {
			if set {
				counts[x]++
				all++
			}
		}
	}
	rows, memory := make([][]int32, m.w), make([]int32, all)
	for x, n := range counts {
		rows[x], memory = memory[:0:n], memory[n:]
	}
	for y := range m.h {
		for x, set := range m.set[y*m.w:][:m.w] {
			if set {
				rows[x] = append(rows[x], int32(y))
			}
		}
	}
	return rows
}

// A line is a row, in the middle column, and the share of the columns in which there is ink along it.
type line struct{ at, share float64 }

// lines returns the lines of one slope that have ink in almost all of their columns; of adjacent ones that with the most. rows
// are the mask's columns.
func (m *mask) lines(rows [][]int32, slope float64) []line {
	reach := int(math.Ceil(math.Abs(slope)*float64(m.w)/2)) + 1
	ink, columns := make([]int32, m.h+2*reach), make([]int32, m.h+2*reach+1)
	for x := range m.w {
		shift := reach - int(math.Round(slope*float64(x-m.w/2)))
		columns[shift]++ // from here on it is one more, for as many rows as there are
		columns[shift+m.h]--
		for _, y := range rows[x] {
			ink[int(y)+shift]++
		}
	}
	var all []line
	for i := range ink {
		columns[i+1] += columns[i]
		if int(columns[i]) < m.w/2 || float64(ink[i]) < covered*float64(columns[i]) {
			continue
		}
		l := line{float64(i - reach), float64(ink[i]) / float64(columns[i])}
		if n := len(all); n > 0 && l.at-all[n-1].at <= 3 {
			if l.share > all[n-1].share {
				all[n-1] = l
			}
			continue
		}
		all = append(all, l)
	}
	return all
}

// run returns the rows from first to before end of the vertical run of ink nearest to row y of a column, at most reach away.
func (m *mask) run(x, y, reach int) (first, end int, ok bool) {
	for d := range reach + 1 {
		for _, yy := range [2]int{y - d, y + d} {
			if !m.at(x, yy) {
				continue
			}
			first, end = yy, yy+1
			for m.at(x, first-1) {
				first--
			}
			for m.at(x, end) {
				end++
			}
			return first, end, true
		}
	}
	return 0, 0, false
}

func (r *rule) row(x, w int) int { return int(math.Floor(r.at + r.slope*float64(x-w/2))) }

// thickness returns the length of the runs of ink along a rule, where nothing crosses it: the first quartile.
func (m *mask) thickness(r rule, reach int) int {
	var lengths []int
	for x := range m.w {
		if first, end, ok := m.run(x, r.row(x, m.w), reach+1); ok {
			lengths = append(lengths, end-first)
		}
	}
	if len(lengths) == 0 {
		return 0
	}
	slices.Sort(lengths)
	return lengths[len(lengths)/4]
}

// fragment reports whether a part is what remained of rules: straight along them, or thin and at an edge of the picture.
func fragment(p part, edge bool, across, down []rule) bool {
	thick := 0
	for _, r := range slices.Concat(across, down) {
		thick = max(thick, r.thick)
	}
	straight := func(length, height int, rules []rule) bool {
		return len(rules) > 0 && float64(height) <= crossing*float64(thick)+2+math.Abs(rules[0].slope)*float64(length) && length > 2*height
	}
	return thick > 0 && (straight(p.w(), p.h(), across) || straight(p.h(), p.w(), down) ||
		edge && float64(p.area) <= crossing*float64(thick*(p.w()+p.h())))
}

// erased returns the mask without the ink of rules.
func (m *mask) erased(rules []rule) *mask {
	out := &mask{m.w, m.h, slices.Clone(m.set)}
	k := max(1, (max(m.w, m.h)+rulesSide-1)/rulesSide)
	for _, r := range rules {
		longest := int(crossing*float64(r.thick)) + 1
		for x := range m.w {
			y := r.row(x, m.w)
			for yy := y - 2*k - r.thick; yy <= y+2*k+r.thick; yy++ {
				first, end, ok := m.run(x, yy, 0)
				if !ok {
					continue
				}
				if end-first <= longest {
					for i := first; i < end; i++ {
						out.set[i*m.w+x] = false
					}
				}
				yy = end
			}
		}
	}
	return out
}
