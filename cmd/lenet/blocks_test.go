package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"lenet/figure"
	"lenet/model"
)

// Captions begin below their images, whatever the images' size and the classes' names, and no line is longer than the terminal if one image fits it.
func TestCaptionsAreBelowTheirImages(t *testing.T) {
	for _, c := range []struct {
		cols, width, beside int
		names               []string
	}{
		{28, 80, 3, nil},
		{28, 60, 2, nil},
		{28, 20, 1, nil},
		{16, 80, 3, nil},
		{32, 80, 2, nil},
		{44, 80, 1, nil},
		{44, 200, 3, nil},
		{28, 80, 3, []string{"あいうえお", "a name that is much too long for its column"}},
	} {
		g := &figure.Digits{Columns: 3}
		for range 4 {
			pixels := make([]uint8, 20*c.cols)
			for y := range 20 {
				pixels[y*c.cols+border] = 255 // the first column that is shown
			}
			g.Digits = append(g.Digits, figure.Digit{Rows: 20, Cols: c.cols, Pixels: pixels, True: 0, Predicted: 1, Probability: 0.5})
		}
		text := drawn(g, &model.Data{Classes: c.names}, c.width)
		var images []int
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if n := uniseg.StringWidth(line); n > max(c.width, captionWidth) {
				t.Errorf("%+v: a line of %d columns: %q", c, n, line)
			}
			begins := func(mark string) (columns []int) {
				for i := range len(line) {
					if strings.HasPrefix(line[i:], mark) {
						columns = append(columns, uniseg.StringWidth(line[:i]))
					}
				}
				return columns
			}
			if all := begins("█"); all != nil {
				images = all
			}
			if all := begins("true "); all != nil && (!slices.Equal(all, images) || len(all) != c.beside && len(all) != 4%c.beside) {
				t.Errorf("%+v: images at %d, captions at %d", c, images, all)
			}
		}
	}
}
