package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"lenet/figure"
	"lenet/model"
)

// Images as text: a pixel is a column wide and half a line high.

const (
	border       = 2  // columns at each side of an image that are left out, so that three of 28 fit 80: digits fill the middle 20
	captionWidth = 26 // columns that an image and its caption have at least, with a gap
)

// drawn returns a grid's images with a caption below each: as many beside each other as the grid has, or as fit a width.
func drawn(g *figure.Digits, data *model.Data, width int) string {
	columns := max(captionWidth, g.Digits[0].Cols-2*border+2)
	var b strings.Builder
	for row := range slices.Chunk(g.Digits, max(1, min(g.Columns, width/columns))) {
		b.WriteString(halfBlocks(beside(row, columns)))
		b.WriteString(captions(row, data, columns))
	}
	return b.String()
}

// captions returns the lines below a row of images, each of which has so many columns: one line if it has room for what is said of each, else two.
func captions(row []figure.Digit, data *model.Data, columns int) string {
	var one, first, second strings.Builder
	fits := true
	for _, d := range row {
		says := "predicted "
		if d.Wrong() {
			says = "WRONG: "
		}
		named := func(before string, class int, after string) string {
			return before + figure.Shorten(data.Class(class), func(name string) bool { return uniseg.StringWidth(before+name+after) <= columns-2 }) + after
		}
		isTrue, is := named("true ", d.True, ""), named(says, d.Predicted, fmt.Sprintf(", %.0f%%", 100*d.Probability))
		both := isTrue + ", " + is
		fits = fits && uniseg.StringWidth(both) <= columns
		one.WriteString(padded(both, columns))
		first.WriteString(padded(isTrue, columns))
		second.WriteString(padded(is, columns))
	}
	if fits {
		return one.String() + "\n"
	}
	return first.String() + "\n" + second.String() + "\n"
}

// beside returns the rows of several images, each of which has so many columns of the whole.
func beside(digits []figure.Digit, columns int) [][]uint8 {
	all := make([][]uint8, digits[0].Rows)
	for i := range digits {
		for y, row := range rows(digits[i].Pixels, digits[i].Cols, border) {
			all[y] = append(append(all[y], row...), make([]uint8, columns-len(row))...)
		}
	}
	return all
}

// rows returns the rows of an image that is so many columns wide, without some of them at each side.
func rows(pixels []uint8, cols, without int) [][]uint8 {
	var all [][]uint8
	for row := range slices.Chunk(pixels, cols) {
		all = append(all, row[without:cols-without])
	}
	return all
}

// halfBlocks returns rows of pixels as text: two rows a line.
func halfBlocks(rows [][]uint8) string {
	var b strings.Builder
	for y := 0; y < len(rows); y += 2 {
		for x, top := range rows[y] {
			bottom := uint8(0)
			if y+1 < len(rows) {
				bottom = rows[y+1][x]
			}
			b.WriteRune(halfBlock(top, bottom))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// dark is the value below which a half stays empty.
const dark = 80

func halfBlock(top, bottom uint8) rune {
	switch {
	case top >= dark && bottom >= dark:
		return '█'
	case top >= dark:
		return '▀'
	case bottom >= dark:
		return '▄'
	}
	return ' '
}
