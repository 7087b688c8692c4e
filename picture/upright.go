package picture

import (
	"image"
	"image/draw"
	"math"
)

// workingPixels is about how many pixels the stages look at: enough for a row of twenty digits, and a photograph's noise averages out.
const workingPixels = 1 << 20

// pixels are a picture's premultiplied red, green, blue and alpha, 0 to 1.
type pixels [4]plane

// upright returns a picture's pixels, with cells of so many pixels averaged that about a megapixel remains, turned as a decoded picture's EXIF
// data say. It converts a band of the picture at a time.
func upright(picture image.Image) *pixels {
	turn := orientation(1)
	if t, ok := picture.(*turned); ok {
		picture, turn = t.Image, t.orientation
	}
	b := picture.Bounds()
	k := max(1, int(math.Ceil(math.Sqrt(float64(b.Dx())*float64(b.Dy())/workingPixels))))
	k = min(k, max(1, min(b.Dx(), b.Dy())/smallest))
	k = max(k, (max(b.Dx(), b.Dy())+longest-1)/longest)
	w, h := (b.Dx()+k-1)/k, (b.Dy()+k-1)/k
	var p pixels
	for c := range p {
		p[c] = newPlane(w, h)
	}
	band := image.NewRGBA(image.Rect(0, 0, b.Dx(), k))
	for y := range h {
		rows := min(k, b.Dy()-y*k)
		draw.Draw(band, image.Rect(0, 0, b.Dx(), rows), picture, image.Pt(b.Min.X, b.Min.Y+y*k), draw.Src)
		average(&p, band, y, rows, k)
	}
	for c := range p {
		p[c] = turn.plane(p[c])
	}
	return &p
}

// smallest is the side, in pixels, below which shrinking would lose a digit.
const smallest = 64

// longest is the longest side that is looked at, pixels, even where less would be lost: the margins around a subject are in proportion to it.
const longest = 4096

// average sets row y of the planes to the averages of cells of k columns and so many rows of a band.
func average(p *pixels, band *image.RGBA, y, rows, k int) {
	w := band.Rect.Dx()
	if k == 1 {
		for c := range p {
			row := p[c].row(y)
			for x := range row {
				row[x] = float32(band.Pix[4*x+c]) / 255
			}
		}
		return
	}
	sums := make([]uint32, 4*p[0].w)
	for r := range rows {
		line := band.Pix[r*band.Stride:][:4*w]
		for x, cell := 0, 0; x < w; cell++ {
			var red, green, blue, alpha uint32
			for end := min(x+k, w); x < end; x++ {
				red, green, blue, alpha = red+uint32(line[4*x]), green+uint32(line[4*x+1]), blue+uint32(line[4*x+2]), alpha+uint32(line[4*x+3])
			}
			s := sums[4*cell:][:4]
			s[0], s[1], s[2], s[3] = s[0]+red, s[1]+green, s[2]+blue, s[3]+alpha
		}
	}
	for x := range p[0].w {
		n := float32(255 * rows * min(k, w-x*k))
		for c := range p {
			p[c].row(y)[x] = float32(sums[4*x+c]) / n
		}
	}
}

// halved returns the pixels with cells of 2x2 averaged.
func (p *pixels) halved() *pixels {
	var half pixels
	for c := range p {
		half[c] = p[c].shrunk(2)
	}
	return &half
}
