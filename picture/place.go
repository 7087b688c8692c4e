package picture

import (
	"image"
	"math"

	xdraw "golang.org/x/image/draw"
)

// scale returns a subject scaled in proportion, so that its ink fits the frame's box.
func scale(p *plane, frame Frame) *plane {
	b := p.extent()
	w, h := b.w(), b.h()
	factor := min(float64(frame.BoxCols)/float64(w), float64(frame.BoxRows)/float64(h))
	size := image.Rect(0, 0, max(1, int(math.Round(float64(w)*factor))), max(1, int(math.Round(float64(h)*factor))))
	grey := image.NewGray(image.Rect(0, 0, w, h))
	part := p.crop(b.x0, b.y0, b.x1, b.y1)
	copy(grey.Pix, part.bytes())
	small := image.NewGray(size)
	xdraw.CatmullRom.Scale(small, size, grey, grey.Rect, xdraw.Src, nil) // which averages where it shrinks
	out := newPlane(size.Dx(), size.Dy())
	for i := range out.v {
		out.v[i] = float32(small.Pix[i]) / 255
	}
	return &out
}

// boxed is the share of a subject's full contrast above which a pixel belongs to its bounding box.
const boxed = 0.3

// extent returns the bounding box of a subject's ink.
func (p *plane) extent() bounds {
	b := newBounds()
	for y := range p.h {
		for x, v := range p.row(y) {
			if v > boxed {
				b.add(x, y)
			}
		}
	}
	if b.x1 == 0 {
		return bounds{0, 0, p.w, p.h}
	}
	return b
}

// place returns a subject in an image of the frame's size, moved by whole pixels.
func place(p *plane, frame Frame) []uint8 {
	x, y := p.centre(frame.Centre)
	wantX, wantY := frame.centre()
	at := func(move float64, length, side int) int { return min(max(int(math.Round(move)), 0), side-length) }
	left, top := at(wantX-x, p.w, frame.Cols), at(wantY-y, p.h, frame.Rows)
	all := newPlane(frame.Cols, frame.Rows)
	for y := range p.h {
		copy(all.row(top + y)[left:], p.row(y))
	}
	return all.bytes()
}

// bytes returns a plane's values, 0 to 1, as 0 to 255.
func (p *plane) bytes() []uint8 {
	out := make([]uint8, len(p.v))
	for i, v := range p.v {
		out[i] = uint8(255*min(max(v, 0), 1) + 0.5)
	}
	return out
}

// centre returns what the frame wants at its centre, (x, y) in pixels.
func (p *plane) centre(kind Centre) (x, y float64) {
	if kind == OfBox {
		b := p.extent()
		return float64(b.x0+b.x1) / 2, float64(b.y0+b.y1) / 2
	}
	sum := 0.0
	for row := range p.h {
		for col, v := range p.row(row) {
			sum, x, y = sum+float64(v), x+float64(v)*(float64(col)+0.5), y+float64(v)*(float64(row)+0.5)
		}
	}
	return x / sum, y / sum
}
