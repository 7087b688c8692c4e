package dataset

import (
	"fmt"
	"image"

	"lenet/picture"
)

// greyLevels returns a small picture's grey values, [Rows, Cols].
func greyLevels(path string, frame picture.Frame) ([]uint8, error) {
	img, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	grey := picture.Grey(img)
	if size := grey.Rect.Size(); size != image.Pt(frame.Cols, frame.Rows) {
		return nil, fmt.Errorf("dataset: %s is %dx%d and the other pictures are %dx%d", path, size.Y, size.X, frame.Rows, frame.Cols)
	}
	return grey.Pix, nil
}

// lightOnDark inverts all images where the median of their borders is light, and says whether it is.
func lightOnDark(images [][]uint8, rows, cols int) bool {
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
		return false
	}
	for _, pixels := range images {
		for i, v := range pixels {
			pixels[i] = 255 - v
		}
	}
	return true
}
