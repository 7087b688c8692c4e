package figure

import (
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Digit is an image and what a network says of it.
type Digit struct {
	Rows, Cols  int
	Pixels      []uint8 // [Rows, Cols], 0 is the background
	True        int     // its class
	Predicted   int
	Probability float64 // of Predicted
}

// Wrong reports whether the prediction is wrong.
func (d *Digit) Wrong() bool { return d.True != d.Predicted }

// Digits is a grid of images, each with its label and prediction.
type Digits struct {
	Title   string
	Classes []string // names; none: their numbers
	Columns int
	Digits  []Digit
}

// The sizes of a digit's parts.
const (
	pixels      = 2.8 * vg.Centimeter // an image's longer side
	caption     = 1.1 * vg.Centimeter // of two lines
	line        = 0.44 * vg.Centimeter
	gap         = 0.8 * vg.Centimeter
	heading     = 1 * vg.Centimeter
	widestWords = 4.6 * vg.Centimeter
)

// captions returns the two or three lines below each image, which have no more than a width: two if they have room below the image.
func (g *Digits) captions() (all [][]string, widest vg.Length) {
	two, widest := g.lines(2, widestWords)
	if widest <= pixels+gap*0.8 {
		return two, pixels
	}
	return g.lines(3, widestWords)
}

// lines returns captions of two or three lines with names that are short enough for a width, and the width of the widest line.
func (g *Digits) lines(n int, limit vg.Length) (all [][]string, widest vg.Length) {
	s := style(10, nil)
	for i := range g.Digits {
		d := &g.Digits[i]
		says, sure := "predicted ", fmt.Sprintf("%.1f %%", 100*d.Probability)
		if d.Wrong() {
			says = "wrong: "
		}
		fit := func(before string, class int) string {
			return before + Shorten(nameOf(g.Classes, class), func(name string) bool { return width(before+name, s) <= limit })
		}
		lines := []string{fit("true ", d.True), fit(says, d.Predicted)}
		if n == 2 {
			lines[1] += ", " + sure
		} else {
			lines = append(lines, sure)
		}
		for _, line := range lines {
			widest = max(widest, width(line, s))
		}
		all = append(all, lines)
	}
	return all, widest
}

func (g *Digits) layout() (captions [][]string, column, row, w, h vg.Length) {
	captions, widest := g.captions()
	column, row = pixels+gap, pixels+caption+gap/3
	if len(captions) > 0 && len(captions[0]) == 3 {
		column, row = max(column, widest+gap/2), row+line
	}
	rows := (len(g.Digits) + g.Columns - 1) / g.Columns
	w = max(vg.Length(g.Columns)*column+gap, style(13, nil).Width(g.Title)+gap)
	return captions, column, row, w, heading + vg.Length(rows)*row
}

func (g *Digits) size() (w, h vg.Length) {
	_, _, _, w, h = g.layout()
	return w, h
}

func (g *Digits) inFont() Figure {
	return &Digits{g.Title, numbered(g.Classes), g.Columns, g.Digits}
}

func (g *Digits) draw(c draw.Canvas) error {
	captions, column, row, w, h := g.layout()
	c.FillText(style(13, color.Black), vg.Point{X: w / 2, Y: h - heading/2}, g.Title)
	left := (w - vg.Length(g.Columns)*column) / 2
	for i := range g.Digits {
		d := &g.Digits[i]
		x := left + (vg.Length(i%g.Columns)+0.5)*column // its middle
		y := h - heading - vg.Length(i/g.Columns)*row
		longer := vg.Length(max(d.Rows, d.Cols))
		across, down := pixels*vg.Length(d.Cols)/longer, pixels*vg.Length(d.Rows)/longer
		box := vg.Rectangle{Min: vg.Point{X: x - across/2, Y: y - (pixels+down)/2}, Max: vg.Point{X: x + across/2, Y: y - (pixels-down)/2}}
		c.DrawImage(box, d.enlarged())
		ink, frame, width := color.Color(color.Black), color.Color(grid), vg.Points(0.5)
		if d.Wrong() {
			ink, frame, width = palette[1], palette[1], vg.Points(3)
		}
		c.SetColor(frame)
		c.SetLineWidth(width)
		c.Stroke(rectangle(box.Min.X, box.Min.Y, box.Max.X, box.Max.Y))
		for k, text := range captions[i] {
			s := style(10, color.Black)
			if k > 0 {
				s = style(10, ink)
			}
			c.FillText(s, vg.Point{X: x, Y: y - pixels - caption*0.28 - line*vg.Length(k)}, text)
		}
	}
	return nil
}

// enlargedSide is how many pixels the longer side of a small image is enlarged to, which keeps a canvas that scales it from blurring its pixels.
const enlargedSide = 224

func (d *Digit) enlarged() image.Image {
	times := max(1, enlargedSide/max(d.Rows, d.Cols))
	big := image.NewGray(image.Rect(0, 0, d.Cols*times, d.Rows*times))
	for y := range d.Rows * times {
		for x := range d.Cols * times {
			big.SetGray(x, y, color.Gray{d.Pixels[y/times*d.Cols+x/times]})
		}
	}
	return big
}
