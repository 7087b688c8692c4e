package figure

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Matrix is a confusion matrix: how often each true class was taken for each class.
type Matrix struct {
	Title   string
	Classes []string // names; none: their numbers
	Counts  [][]int  // [true class][predicted class]
}

// The sizes of a matrix's parts. The area of a matrix is in proportion to the number of classes, and not to its square: of 10 classes the cells have
// a side of 11.5 mm, of 256 classes 2.3 mm, and the largest picture is 66 cm wide.
const (
	cellOfTen   = 1.15 * vg.Centimeter
	largestCell = 2 * vg.Centimeter
	margin      = 1.6 * vg.Centimeter  // at least, at the left, above and below
	edge        = 0.3 * vg.Centimeter  // at the right
	titles      = 1.1 * vg.Centimeter  // an axis's title
	nameGap     = 0.24 * vg.Centimeter // between names and cells
	longestName = 11.6                 // times the size of its letters
	fewClasses  = 20                   // more have their names at all four sides
	smallCount  = 6                    // points; smaller counts are left out
)

// matrixLayout says where a matrix's parts are.
type matrixLayout struct {
	n                        int // classes
	cell, side               vg.Length
	left, right, top, bottom vg.Length // margins
	title                    vg.Length // the middle of the vertical axis's title
	names                    []string
	nameStyle                text.Style
	upright                  bool    // the names above and below are
	count                    float64 // points of the counts, or 0 where they are left out
}

func (m *Matrix) layout() (l matrixLayout) {
	l.n = len(m.Counts)
	l.cell = min(largestCell, cellOfTen*vg.Length(math.Sqrt(10/float64(l.n))))
	l.side = l.cell * vg.Length(l.n)
	l.nameStyle = style(min(11, 0.8*l.cell.Points()), color.Black)
	all := make([]string, l.n)
	for i := range all {
		all[i] = nameOf(m.Classes, i)
	}
	var widest vg.Length
	l.names, widest = shortened(all, l.nameStyle, longestName*l.nameStyle.Font.Size)
	l.upright = widest > 0.8*l.cell
	beside, below := nameGap+widest, nameGap+l.nameStyle.Font.Size
	if l.upright {
		below = beside
	}
	l.left, l.right, l.top, l.bottom = max(margin, titles+beside), edge, margin, max(margin, titles+below)
	if l.n > fewClasses {
		l.right, l.top = l.right+beside, titles+below
	}
	l.title = margin / 3
	if missing := style(13, nil).Width(m.Title) + 2*edge - l.left - l.side - l.right; missing > 0 {
		l.left, l.right, l.title = l.left+missing/2, l.right+missing/2, l.title+missing/2
	}
	l.count = min(10, 0.8*l.cell.Points())
	for _, row := range m.Counts {
		for _, k := range row {
			l.count = min(l.count, 9*float64(l.cell/style(10, nil).Width(strconv.Itoa(k))))
		}
	}
	if l.count < smallCount {
		l.count = 0
	}
	return l
}

func (m *Matrix) size() (w, h vg.Length) {
	l := m.layout()
	return l.left + l.side + l.right, l.bottom + l.side + l.top
}

func (m *Matrix) inFont() Figure {
	return &Matrix{m.Title, numbered(m.Classes), m.Counts}
}

func (m *Matrix) draw(c draw.Canvas) error {
	l := m.layout()
	w, h := m.size()
	title := style(13, color.Black)
	half := title.Width(m.Title)/2 + edge
	c.FillText(title, vg.Point{X: max(half, min(l.left+l.side/2, w-half)), Y: h - margin/3}, m.Title)
	c.FillText(style(11, color.Black), vg.Point{X: l.left + l.side/2, Y: margin / 3}, "predicted class")
	turned, cells := style(11, color.Black), "cells: images"
	if l.count == 0 {
		cells = "colour: share of its images"
	}
	turned.Rotation = math.Pi / 2
	c.FillText(turned, vg.Point{X: l.title, Y: l.bottom + l.side/2}, "true class ("+cells+")")
	l.drawNames(c)
	for i, row := range m.Counts {
		total := 0
		for _, k := range row {
			total += k
		}
		for j, k := range row {
			if k > 0 {
				l.drawCell(c, i, j, k, float64(k)/float64(total))
			}
		}
	}
	c.SetColor(grid)
	c.SetLineWidth(min(0.5, l.cell/50))
	for i := range l.n + 1 {
		at := l.cell * vg.Length(i)
		c.Stroke(rectangle(l.left, l.bottom+at, l.left+l.side, l.bottom+at))
		c.Stroke(rectangle(l.left+at, l.bottom, l.left+at, l.bottom+l.side))
	}
	return nil
}

// drawNames draws the names of the true classes beside the cells, and of the predicted ones below; of many classes on the other sides, too.
func (l *matrixLayout) drawNames(c draw.Canvas) {
	rows, columns := l.nameStyle, l.nameStyle
	rows.XAlign, columns.YAlign = draw.XRight, draw.YTop
	if l.upright {
		columns.Rotation, columns.XAlign, columns.YAlign = math.Pi/2, draw.XRight, draw.YCenter
	}
	l.drawNamesAt(c, rows, columns, l.left-nameGap, l.bottom-nameGap)
	if l.n <= fewClasses {
		return
	}
	rows.XAlign = draw.XLeft
	if l.upright {
		columns.XAlign = draw.XLeft
	} else {
		columns.YAlign = draw.YBottom
	}
	l.drawNamesAt(c, rows, columns, l.left+l.side+nameGap, l.bottom+l.side+nameGap)
}

func (l *matrixLayout) drawNamesAt(c draw.Canvas, rows, columns text.Style, x, y vg.Length) {
	for i, name := range l.names {
		at := l.cell * (vg.Length(i) + 0.5)
		c.FillText(rows, vg.Point{X: x, Y: l.bottom + l.side - at}, name)
		c.FillText(columns, vg.Point{X: l.left + at, Y: y}, name)
	}
}

// drawCell draws k images of class i that were taken for j, which are a share of those of i.
func (l *matrixLayout) drawCell(c draw.Canvas, i, j, k int, share float64) {
	x, y := l.left+l.cell*(vg.Length(j)+0.5), l.bottom+l.side-l.cell*(vg.Length(i)+0.5)
	// Right answers in blue; mistakes in orange, by the logarithm of their share, so that one in a thousand is seen.
	colour := palette[0]
	if i != j {
		colour = palette[1]
		share = math.Log1p(1000*share) / math.Log1p(1000)
	}
	c.SetColor(color.NRGBA{colour.R, colour.G, colour.B, uint8(math.Round(220 * share))})
	c.Fill(rectangle(x-l.cell/2, y-l.cell/2, x+l.cell/2, y+l.cell/2))
	if l.count > 0 {
		c.FillText(style(l.count, color.Black), vg.Point{X: x, Y: y}, strconv.Itoa(k))
	}
}

func rectangle(x0, y0, x1, y1 vg.Length) vg.Path {
	var p vg.Path
	p.Move(vg.Point{X: x0, Y: y0})
	p.Line(vg.Point{X: x1, Y: y0})
	p.Line(vg.Point{X: x1, Y: y1})
	p.Line(vg.Point{X: x0, Y: y1})
	p.Close()
	return p
}
