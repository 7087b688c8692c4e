package dataset

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"lenet/picture"
)

// greyLevels returns a small picture's grey values, [Rows, Cols]. What is transparent becomes black where the rest is light, and white where it is
// dark.
func greyLevels(path string, frame picture.Frame) ([]uint8, error) {
	img, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	if size := img.Bounds().Size(); size != image.Pt(frame.Cols, frame.Rows) {
		return nil, fmt.Errorf("dataset: %s is %dx%d and the other pictures are %dx%d", path, size.Y, size.X, frame.Rows, frame.Cols)
	}
	grey := image.NewGray(image.Rect(0, 0, frame.Cols, frame.Rows))
	draw.Draw(grey, grey.Rect, image.NewUniform(groundOf(img)), image.Point{}, draw.Src)
	draw.Draw(grey, grey.Rect, img, img.Bounds().Min, draw.Over)
	return grey.Pix, nil
}

// groundOf returns the colour below a picture that is transparent in part: black below light ink, white below dark ink.
func groundOf(img image.Image) color.Color {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return color.Black
	}
	var light, opaque uint64
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			r, g, b, a := img.At(x, y).RGBA() // premultiplied
			light, opaque = light+uint64(r+g+b)/3, opaque+uint64(a)
		}
	}
	if 2*light > opaque {
		return color.Black
	}
	return color.White
}

// lightOnDark inverts all images where the median of their borders is light.
func lightOnDark(images [][]uint8, rows, cols int) {
	var histogram [256]int
	n := 0
	for _, pixels := range images {
		if pixels == nil {
			continue
		}
		for x := range cols {
			histogram[pixels[x]]++
			histogram[pixels[(rows-1)*cols+x]]++
		}
		for y := range rows {
			histogram[pixels[y*cols]]++
			histogram[pixels[y*cols+cols-1]]++
		}
		n += 2 * (rows + cols)
	}
	median, below := 0, histogram[0]
	for below <= n/2 && median < 255 {
		median++
		below += histogram[median]
	}
	if median < 128 {
		return
	}
	for _, pixels := range images {
		for i, v := range pixels {
			pixels[i] = 255 - v
		}
	}
}
