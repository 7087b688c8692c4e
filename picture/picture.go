// Package picture reads pictures of one digit, or of another subject, and prepares them the way a network's training images were.
package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // for image.Decode
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	xdraw "golang.org/x/image/draw"
)

// A Frame says how a set's images hold their subject: how a picture has to be prepared for a network that was trained on them.
type Frame struct {
	Rows int `json:"rows"` // pixels of an image
	Cols int `json:"cols"`

	BoxRows int `json:"box_rows"` // pixels of the box that the subject is scaled to fit
	BoxCols int `json:"box_cols"`
}

// MNIST returns the frame of MNIST's images (LeCun, Cortes, Burges, "The MNIST database"): of 28x28 pixels, where the digit fills a box of
// 20x20. For other sizes, the box is in proportion.
func MNIST(rows, cols int) Frame {
	box := int(math.Round(float64(min(rows, cols)) * 20 / 28))
	return Frame{Rows: rows, Cols: cols, BoxRows: box, BoxCols: box}
}

// maxPixels is more than a camera's picture, and small enough to decode.
const maxPixels = 60e6

// Named says whether a file's name is that of a picture.
func Named(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}

// Size returns the size of a file's picture, in pixels, as it is stored.
func Size(path string) (width, height int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("picture: %w", err)
	}
	defer file.Close()
	config, _, err := image.DecodeConfig(file)
	if errors.Is(err, image.ErrFormat) {
		return 0, 0, fmt.Errorf("picture: %s is neither a PNG nor a JPEG picture", path)
	}
	if err == nil {
		err = checkSize(config.Width, config.Height)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("picture: %s: %w", path, err)
	}
	return config.Width, config.Height, nil
}

// Open returns a file's picture.
func Open(path string) (image.Image, error) {
	if _, _, err := Size(path); err != nil { // before it is decoded
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	defer file.Close()
	picture, _, err := image.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("picture: %s: %w", path, err)
	}
	return picture, nil
}

// Read returns a file's picture of one digit, prepared for the frame: [Rows, Cols], 0 is the background.
func Read(path string, frame Frame) ([]uint8, error) {
	picture, err := Open(path)
	if err != nil {
		return nil, err
	}
	digit, err := Prepare(picture, frame)
	if err != nil {
		return nil, fmt.Errorf("picture: %s: %w", path, err)
	}
	return digit, nil
}

func checkSize(width, height int) error {
	switch {
	case width < 1 || height < 1:
		return fmt.Errorf("it has no pixels: it is %dx%d", width, height)
	case float64(width)*float64(height) > maxPixels:
		return fmt.Errorf("it has %dx%d pixels, more than %.0f million; scale it down", width, height, maxPixels/1e6)
	}
	return nil
}

// The shares of the range from background to ink below which a pixel is taken for background, and above which it is taken for the digit.
const (
	noise = 0.1
	ink   = 0.3
)

// Prepare normalizes a picture of one digit: grey, light on dark, cropped to the digit, scaled to fit the frame's box, and placed so that its
// centre of mass is where MNIST's images have it. It returns [Rows, Cols] pixels.
func Prepare(picture image.Image, frame Frame) ([]uint8, error) {
	if err := checkSize(picture.Bounds().Dx(), picture.Bounds().Dy()); err != nil {
		return nil, err
	}
	grey := image.NewGray(image.Rectangle{Max: picture.Bounds().Size()})
	draw.Draw(grey, grey.Rect, image.NewUniform(color.White), image.Point{}, draw.Src) // below what is transparent
	draw.Draw(grey, grey.Rect, picture, picture.Bounds().Min, draw.Over)
	if !spread(grey) {
		return nil, errors.New("there is no digit in it: all of it has one colour")
	}
	box := bounds(grey)
	w, h := box.Dx(), box.Dy()
	scale := min(float64(frame.BoxCols)/float64(w), float64(frame.BoxRows)/float64(h))
	size := image.Rect(0, 0, max(1, int(math.Round(float64(w)*scale))), max(1, int(math.Round(float64(h)*scale))))
	small := image.NewGray(size)
	xdraw.CatmullRom.Scale(small, size, grey, box, xdraw.Src, nil) // which averages where it shrinks
	return centred(small, frame.Rows, frame.Cols), nil
}

// spread sets the background to 0, which is what most of the border has, and the colour furthest from it to 255.
func spread(grey *image.Gray) bool {
	var border []uint8
	w, h := grey.Rect.Dx(), grey.Rect.Dy()
	for x := range w {
		border = append(border, grey.Pix[x], grey.Pix[(h-1)*grey.Stride+x])
	}
	for y := range h {
		border = append(border, grey.Pix[y*grey.Stride], grey.Pix[y*grey.Stride+w-1])
	}
	slices.Sort(border)
	background := int(border[len(border)/2])
	darkest, lightest := int(slices.Min(grey.Pix)), int(slices.Max(grey.Pix))
	sign, depth := 1, lightest-background
	if background-darkest > depth {
		sign, depth = -1, background-darkest
	}
	if depth < 16 { // of 255: paper
		return false
	}
	for i, v := range grey.Pix {
		above := float64(sign*(int(v)-background)) / float64(depth)
		if above < noise {
			above = 0
		}
		grey.Pix[i] = uint8(math.Round(255 * above))
	}
	return true
}

// bounds returns the smallest box with all of the digit.
func bounds(grey *image.Gray) image.Rectangle {
	box := image.Rectangle{}
	for y := range grey.Rect.Dy() {
		for x, v := range grey.Pix[y*grey.Stride:][:grey.Rect.Dx()] {
			if float64(v) > 255*ink {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

// centred returns a digit in an image of rows x cols pixels, moved by whole pixels.
func centred(digit *image.Gray, rows, cols int) []uint8 {
	var sum, sumX, sumY float64
	w, h := digit.Rect.Dx(), digit.Rect.Dy()
	for y := range h {
		for x := range w {
			v := float64(digit.GrayAt(x, y).Y)
			sum, sumX, sumY = sum+v, sumX+v*(float64(x)+0.5), sumY+v*(float64(y)+0.5)
		}
	}
	// MNIST's centres of mass are half a pixel right of and below the image's middle: those of its first 1000 test images have the mean
	// (14.51, 14.49).
	place := func(moment float64, length, side int) int {
		at := int(math.Round(float64(side)/2 + 0.5 - moment/sum))
		return min(max(at, 0), side-length)
	}
	left, top := place(sumX, w, cols), place(sumY, h, rows)
	image := make([]uint8, rows*cols)
	for y := range h {
		copy(image[(top+y)*cols+left:], digit.Pix[y*digit.Stride:][:w])
	}
	return image
}
