package picture

import (
	"image"
	"image/color"
	"image/draw"
	"slices"

	xdraw "golang.org/x/image/draw"
)

// Grey returns a picture's grey values, upright. What is transparent becomes black where the rest is light, and white where it is dark.
func Grey(picture image.Image) *image.Gray {
	turn := orientation(1)
	if t, ok := picture.(*turned); ok {
		picture, turn = t.Image, t.orientation
	}
	grey := image.NewGray(image.Rectangle{Max: picture.Bounds().Size()})
	draw.Draw(grey, grey.Rect, image.NewUniform(groundOf(picture)), image.Point{}, draw.Src)
	draw.Draw(grey, grey.Rect, picture, picture.Bounds().Min, draw.Over)
	if turn == 1 {
		return grey
	}
	p := newPlane(grey.Rect.Dx(), grey.Rect.Dy())
	for i, v := range grey.Pix {
		p.v[i] = float32(v) / 255
	}
	p = turn.plane(p)
	return &image.Gray{Pix: p.bytes(), Stride: p.w, Rect: image.Rect(0, 0, p.w, p.h)}
}

// groundOf returns the colour below a picture that is transparent in part: black below light ink, white below dark ink.
func groundOf(picture image.Image) color.Color {
	if o, ok := picture.(interface{ Opaque() bool }); ok && o.Opaque() {
		return color.Black
	}
	var light, opaque uint64
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, b, a := picture.At(x, y).RGBA() // premultiplied
			light, opaque = light+uint64(r+g+b)/3, opaque+uint64(a)
		}
	}
	if 2*light > opaque {
		return color.Black
	}
	return color.White
}

// wholePicture returns all of a picture, scaled to the frame's size: [Rows, Cols]. One that is dark on light is inverted: as the set's own were, or, where
// the picture has another size than those and so is not one of them, as its border is light.
func wholePicture(picture image.Image, frame Frame) []uint8 {
	pixels := Scaled(picture, frame)
	if frame.Light || size(picture) != image.Pt(frame.Cols, frame.Rows) && lightBorder(pixels, frame.Rows, frame.Cols) {
		for i, v := range pixels {
			pixels[i] = 255 - v
		}
	}
	return pixels
}

// Scaled returns the grey values of all of a picture, scaled to the frame's size: [Rows, Cols].
func Scaled(picture image.Image, frame Frame) []uint8 {
	grey := Grey(picture)
	to := image.Rect(0, 0, frame.Cols, frame.Rows)
	if grey.Rect == to {
		return grey.Pix
	}
	scaled := image.NewGray(to)
	xdraw.CatmullRom.Scale(scaled, to, grey, grey.Rect, xdraw.Src, nil) // which averages where it shrinks
	return scaled.Pix
}

// lightBorder reports whether most of an image's border is light.
func lightBorder(pixels []uint8, rows, cols int) bool {
	var border []uint8
	for x := range cols {
		border = append(border, pixels[x], pixels[(rows-1)*cols+x])
	}
	for y := range rows {
		border = append(border, pixels[y*cols], pixels[y*cols+cols-1])
	}
	slices.Sort(border)
	return border[len(border)/2] >= 128
}

// size returns a picture's width and height as it is shown.
func size(picture image.Image) image.Point {
	s := picture.Bounds().Size()
	if t, ok := picture.(*turned); ok && t.orientation >= 5 { // rows are columns
		s.X, s.Y = s.Y, s.X
	}
	return s
}
