package figure

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Matrix is a confusion matrix: how often each true class was taken for each class.
type Matrix struct {
	Title  string
	Counts [][]int // [true class][predicted class]
}

// The sizes of a matrix's parts.
const (
	cell   = 1.15 * vg.Centimeter
	margin = 1.6 * vg.Centimeter
)

func (m *Matrix) size() (w, h vg.Length) {
	side := cell * vg.Length(len(m.Counts))
	return side + margin + 0.3*vg.Centimeter, side + 2*margin
}

func (m *Matrix) draw(c draw.Canvas) error {
	n := len(m.Counts)
	_, h := m.size()
	side := cell * vg.Length(n)
	left, top := margin, h-margin
	c.FillText(style(13, color.Black), vg.Point{X: left + side/2, Y: h - margin/3}, m.Title)
	c.FillText(style(11, color.Black), vg.Point{X: left + side/2, Y: margin / 3}, "predicted class")
	turned := style(11, color.Black)
	turned.Rotation = math.Pi / 2
	c.FillText(turned, vg.Point{X: margin / 3, Y: top - side/2}, "true class (cells: images)")
	for i, row := range m.Counts {
		y := top - cell*(vg.Length(i)+0.5)
		c.FillText(style(11, color.Black), vg.Point{X: left - 0.35*vg.Centimeter, Y: y}, strconv.Itoa(i))
		c.FillText(style(11, color.Black), vg.Point{X: left + cell*(vg.Length(i)+0.5), Y: top - side - 0.35*vg.Centimeter}, strconv.Itoa(i))
		total := 0
		for _, k := range row {
			total += k
		}
		for j, k := range row {
			x := left + cell*(vg.Length(j)+0.5)
			// Right answers in blue; mistakes in orange, by the logarithm of their share, so that one in a thousand is seen.
			share, colour := float64(k)/math.Max(1, float64(total)), palette[0]
			if i != j {
				colour = palette[1]
				share = math.Log1p(1000*share) / math.Log1p(1000)
			}
			fill := color.NRGBA{colour.R, colour.G, colour.B, uint8(math.Round(220 * share))}
			c.SetColor(fill)
			c.Fill(rectangle(x-cell/2, y-cell/2, x+cell/2, y+cell/2))
			if k > 0 {
				ink := color.Color(color.Black)
				if share > 0.6 {
					ink = color.White
				}
				c.FillText(style(10, ink), vg.Point{X: x, Y: y}, fmt.Sprint(k))
			}
		}
	}
	c.SetColor(grid)
	c.SetLineWidth(0.5)
	for i := range n + 1 {
		at := cell * vg.Length(i)
		c.Stroke(rectangle(left, top-at, left+side, top-at))
		c.Stroke(rectangle(left+at, top-side, left+at, top))
	}
	return nil
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
