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
	True        int     // its class, or -1 where that is not known
	Predicted   int
	Probability float64 // of Predicted
	Name        string  // above it, or empty
}

// Wrong reports whether the prediction is known to be wrong.
func (d *Digit) Wrong() bool { return d.True >= 0 && d.True != d.Predicted }

// Digits is a grid of images, each with its label and prediction.
type Digits struct {
	Title   string
	Columns int
	Digits  []Digit
}

// The sizes of a digit's parts.
const (
	pixels  = 2.8 * vg.Centimeter // an image's side
	caption = 1.1 * vg.Centimeter
	gap     = 0.8 * vg.Centimeter
	heading = 1 * vg.Centimeter
)

func (g *Digits) size() (w, h vg.Length) {
	rows := (len(g.Digits) + g.Columns - 1) / g.Columns
	return vg.Length(g.Columns)*(pixels+gap) + gap, heading + vg.Length(rows)*(pixels+caption+gap/3)
}

func (g *Digits) draw(c draw.Canvas) error {
	w, h := g.size()
	c.FillText(style(13, color.Black), vg.Point{X: w / 2, Y: h - heading/2}, g.Title)
	for i := range g.Digits {
		d := &g.Digits[i]
		x := gap + vg.Length(i%g.Columns)*(pixels+gap)
		y := h - heading - vg.Length(i/g.Columns)*(pixels+caption+gap/3)
		box := vg.Rectangle{Min: vg.Point{X: x, Y: y - pixels}, Max: vg.Point{X: x + pixels, Y: y}}
		c.DrawImage(box, d.enlarged())
		ink, frame, width := color.Color(color.Black), color.Color(grid), vg.Points(0.5)
		says := fmt.Sprintf("predicted %d, %.1f %%", d.Predicted, 100*d.Probability)
		if d.Wrong() {
			ink, frame, width = palette[1], palette[1], vg.Points(3)
			says = "wrong: " + fmt.Sprintf("%d, %.1f %%", d.Predicted, 100*d.Probability)
		}
		c.SetColor(frame)
		c.SetLineWidth(width)
		c.Stroke(rectangle(box.Min.X, box.Min.Y, box.Max.X, box.Max.Y))
		first := d.Name
		if d.True >= 0 {
			first = fmt.Sprintf("true %d", d.True)
		}
		c.FillText(style(10, color.Black), vg.Point{X: x + pixels/2, Y: y - pixels - caption*0.28}, first)
		c.FillText(style(10, ink), vg.Point{X: x + pixels/2, Y: y - pixels - caption*0.68}, says)
	}
	return nil
}

// enlargement keeps a canvas that scales an image from blurring its pixels.
const enlargement = 8

func (d *Digit) enlarged() image.Image {
	big := image.NewGray(image.Rect(0, 0, d.Cols*enlargement, d.Rows*enlargement))
	for y := range d.Rows * enlargement {
		for x := range d.Cols * enlargement {
			big.SetGray(x, y, color.Gray{d.Pixels[y/enlargement*d.Cols+x/enlargement]})
		}
	}
	return big
}
