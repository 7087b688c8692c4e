package picture

import (
	"math"
	"slices"
)

// A rule is a straight line from one side of the picture to the other: row y = at + slope·(x - w/2), in pixels.
type rule struct {
	at, slope float64
	thick     int // pixels, the median over its columns
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

// withoutRules returns the mask without the lines of ruled or squared paper and of frames at the picture's edges. Strokes that cross a line stay.
//
// A single line may be the bar of a digit that touches the picture's edges: it is taken out only if nothing else touches them.
func (m *mask) withoutRules() *mask {
	across, turned := m.rules(), m.transposed()
	down := turned.rules()
	if len(across)+len(down) == 0 {
		return m
	}
	without := m.erased(across)
	without = without.transposed().erased(down).transposed()
	if len(across) >= ruledLines || len(down) >= ruledLines || len(across) >= 2 && len(down) >= 2 {
		return without
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
		return m
	}
	return without
}

// rules finds the rules that are closer to horizontal than to vertical.
func (m *mask) rules() []rule {
	k := max(1, (max(m.w, m.h)+rulesSide-1)/rulesSide)
	small := m.pooled(k)
	if small.w < 20 || small.h < 20 {
		return nil
	}
	near := newMask(small.w, small.h) // a row above and below as well, since lines are not quite straight
	for i, set := range small.set {
		if set {
			near.set[i] = true
			if i >= small.w {
				near.set[i-small.w] = true
			}
			if i+small.w < len(near.set) {
				near.set[i+small.w] = true
			}
		}
	}
	var found []rule
	slopes := int(steepest * float64(small.w))
	first, last := -slopes, slopes
	for len(found) < mostRules {
		best, at, most := 0, 0.0, 0.0
		for s := first; s <= last; s++ {
			if y, share := near.fullestLine(float64(s) / float64(small.w)); share > most {
				best, at, most = s, y, share
			}
		}
		if most < covered {
			break
		}
		first, last = max(best-2, -slopes), min(best+2, slopes) // others are parallel
		r := rule{at: (at + 0.5) * float64(k), slope: float64(best) / float64(small.w)}
		r.thick = m.thickness(r, k)
		for x := range near.w { // it is not found again
			y := int(math.Round(at + r.slope*float64(x-near.w/2)))
			for yy := max(0, y-2-r.thick/k); yy <= min(near.h-1, y+2+r.thick/k); yy++ {
				near.set[yy*near.w+x] = false
			}
		}
		if float64(r.thick) <= max(3, ruleThick*float64(min(m.w, m.h))) {
			found = append(found, r)
		}
	}
	return found
}

// fullestLine returns where, among lines of one slope, the one with ink in the largest share of its columns is, and the share.
func (m *mask) fullestLine(slope float64) (at, share float64) {
	reach := int(math.Ceil(math.Abs(slope)*float64(m.w)/2)) + 1
	ink, columns := make([]int32, m.h+2*reach), make([]int32, m.h+2*reach)
	for x := range m.w {
		shift := reach - int(math.Round(slope*float64(x-m.w/2)))
		for y := range m.h {
			columns[y+shift]++
			if m.set[y*m.w+x] {
				ink[y+shift]++
			}
		}
	}
	for i := range ink {
		if int(columns[i]) < m.w/2 {
			continue
		}
		if s := float64(ink[i]) / float64(columns[i]); s > share {
			at, share = float64(i-reach), s
		}
	}
	return at, share
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

// thickness returns the median length of the runs of ink along a rule.
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
	return lengths[len(lengths)/2]
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
