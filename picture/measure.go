package picture

import (
	"math"
	"slices"
)

const (
	measured   = 500  // images, evenly spaced in the set
	someInk    = 32   // the least value, 0 to 255, that belongs to a subject's bounding box
	wideShare  = 0.99 // of the images have their subjects within the box
	mostStroke = 0.25 // of the box: subjects with wider "strokes" are not drawn with strokes
	solid      = 0.1  // share of a subject's pixels that have nothing but the subject around them, where it is no strokes
	placed     = 0.12 // of the image's shorter side: subjects whose centres are spread wider lie anywhere
)

// Measure returns the frame of a set's images, [N, rows, cols], light on a ground of 0. It looks at some hundreds of them, always the same.
func Measure(images []uint8, rows, cols int) Frame {
	f := Frame{Rows: rows, Cols: cols, BoxRows: rows, BoxCols: cols}
	n := len(images) / (rows * cols)
	var widths, heights, massX, massY, boxX, boxY, strokes, insides []float64
	for i := 0; i < n; i += max(1, n/measured) {
		p := plane{cols, rows, make([]float32, rows*cols)}
		b := newBounds()
		for j, v := range images[i*rows*cols:][:rows*cols] {
			p.v[j] = float32(v) / 255
			if v >= someInk {
				b.add(j%cols, j/cols)
			}
		}
		if b.side() == 0 {
			continue
		}
		x, y := p.centre(OfMass)
		widths, heights = append(widths, float64(b.w())), append(heights, float64(b.h()))
		massX, massY = append(massX, x), append(massY, y)
		boxX, boxY = append(boxX, float64(b.x0+b.x1)/2), append(boxY, float64(b.y0+b.y1)/2)
		strokes, insides = append(strokes, p.stroke()), append(insides, p.inside())
	}
	if len(widths) == 0 {
		return f
	}
	f.BoxRows, f.BoxCols = int(at(heights, wideShare)), int(at(widths, wideShare))
	f.Centre = OfMass
	x, y := massX, massY
	if spread(boxX)+spread(boxY) < spread(massX)+spread(massY) {
		f.Centre, x, y = OfBox, boxX, boxY
	}
	f.CentreRow, f.CentreCol = half(at(y, 0.5)), half(at(x, 0.5))
	if s := at(strokes, 0.5); s < mostStroke*float64(min(f.BoxRows, f.BoxCols)) && at(insides, 0.5) < solid {
		f.Stroke = half(s)
	}
	f.Whole = max(spread(x), spread(y)) > placed*float64(min(rows, cols))
	return f
}

// inside returns the share of a subject's pixels that lie inside it: all 5x5 pixels around them are the subject's.
func (p *plane) inside() float64 {
	subject, inside := 0, 0
	for y := range p.h {
		for x, v := range p.row(y) {
			if v < someInk/255. {
				continue
			}
			subject++
			if x < 2 || y < 2 || x >= p.w-2 || y >= p.h-2 {
				continue
			}
			all := true
			for yy := y - 2; yy <= y+2; yy++ {
				for _, around := range p.row(yy)[x-2 : x+3] {
					all = all && around >= someInk/255.
				}
			}
			if all {
				inside++
			}
		}
	}
	return float64(inside) / float64(max(1, subject))
}

// half returns a value rounded to a multiple of one half.
func half(v float64) float64 { return math.Round(2*v) / 2 }

// at returns the value below which a share of the values lies. It sorts them.
func at(values []float64, share float64) float64 {
	slices.Sort(values)
	return values[min(int(share*float64(len(values))), len(values)-1)]
}

// spread returns the distance between the first and the last tenth of the values. It sorts them.
func spread(values []float64) float64 { return at(values, 0.9) - at(values, 0.1) }

// stroke returns the typical width of an image's strokes, pixels: twice the area by the perimeter, which is the sum of the slopes.
func (p *plane) stroke() float64 {
	get := func(x, y int) float64 {
		if x < 0 || y < 0 || x >= p.w || y >= p.h {
			return 0
		}
		return float64(p.v[y*p.w+x])
	}
	area, perimeter := 0.0, 0.0
	for y := -1; y < p.h; y++ {
		for x := -1; x < p.w; x++ {
			a, b, c, d := get(x, y), get(x+1, y), get(x, y+1), get(x+1, y+1)
			area += a
			perimeter += math.Hypot(b+d-a-c, c+d-a-b) / 2
		}
	}
	return 2 * area / max(perimeter, 1e-9)
}
