package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// An Augmentation moves, turns and scales images at random, each within its bounds. The zero Augmentation leaves images as they are.
//
// Its text is a list of names, each perhaps with a bound, as in "shift,rotate=15".
type Augmentation struct {
	Shift  float64 // pixels, in each direction; whole pixels where nothing else is asked for
	Rotate float64 // degrees, either way
	Scale  float64 // of 0.1: from 0.9 to 1.1 times as large
}

// bounds are an augmentation's parts, each with the bound that it has when none is given and the largest allowed.
func (a *Augmentation) bounds() []struct {
	name         string
	value        *float64
	usual, limit float64
} {
	return []struct {
		name         string
		value        *float64
		usual, limit float64
	}{{"shift", &a.Shift, 2, 14}, {"rotate", &a.Rotate, 10, 180}, {"scale", &a.Scale, 0.1, 0.9}}
}

// UnmarshalText sets an augmentation from its text.
func (a *Augmentation) UnmarshalText(text []byte) error {
	*a = Augmentation{}
	if len(text) == 0 {
		return nil
	}
next:
	for part := range strings.SplitSeq(string(text), ",") {
		name, number, given := strings.Cut(part, "=")
		for _, b := range a.bounds() {
			if b.name != name {
				continue
			}
			*b.value = b.usual
			if given {
				value, err := strconv.ParseFloat(number, 64)
				if err != nil || !(value >= 0 && value <= b.limit) {
					return fmt.Errorf("%s is %q and must be 0 to %v", name, number, b.limit)
				}
				*b.value = value
			}
			continue next
		}
		return fmt.Errorf("%q is none of shift, rotate, scale", name)
	}
	return nil
}

// MarshalText returns an augmentation's text.
func (a Augmentation) MarshalText() ([]byte, error) {
	var parts []string
	for _, b := range a.bounds() {
		if *b.value != 0 {
			parts = append(parts, fmt.Sprintf("%s=%v", b.name, *b.value))
		}
	}
	return []byte(strings.Join(parts, ",")), nil
}

// String returns an augmentation's text.
func (a Augmentation) String() string {
	text, _ := a.MarshalText()
	return string(text)
}

// An augmenter draws distortions of images of one size.
type augmenter struct {
	Augmentation
	rows, cols int
}

// distort writes a copy of the image from to to, changed as random says.
func (a *augmenter) distort(to, from []uint8, random *rand.PCG) {
	uniform := func(bound float64) float64 { return bound * (float64(random.Uint64()>>11)/(1<<52) - 1) } // -bound to bound
	right, down := uniform(a.Shift), uniform(a.Shift)
	turn, scale := uniform(a.Rotate)*math.Pi/180, 1+uniform(a.Scale)
	if a.Rotate == 0 && a.Scale == 0 {
		whole := 2*a.Shift + 1 // as many steps
		step := func(x float64) int { return int(math.Floor((x+a.Shift)/(2*a.Shift)*whole)) - int(a.Shift) }
		a.shift(to, from, step(right), step(down))
		return
	}
	a.resample(to, from, affine(a.rows, a.cols, right, down, turn, scale))
}

// shift moves an image by whole pixels.
func (a *augmenter) shift(to, from []uint8, right, down int) {
	clear(to)
	left := max(0, -right) // the first column of from that stays
	width := a.cols - max(right, -right)
	for r := max(0, down); r < a.rows+min(0, down) && width > 0; r++ {
		copy(to[r*a.cols+left+right:][:width], from[(r-down)*a.cols+left:])
	}
}

// A mapping takes a pixel's place in an image, (column, row), to where its value comes from: origin + column·along + row·across,
// (x, y) in units of 2^-16 pixels.
type mapping struct{ origin, along, across [2]int32 }

// affine returns the mapping that turns an image by an angle, in radians, about its centre, scales it, and then moves it.
func affine(rows, cols int, right, down, turn, scale float64) mapping {
	sin, cos := math.Sincos(turn)
	sin, cos = sin/scale, cos/scale
	x, y := float64(cols-1)/2, float64(rows-1)/2
	fixed := func(v float64) int32 { return int32(math.Round(v * (1 << 16))) }
	return mapping{
		origin: [2]int32{fixed(x - cos*(x+right) - sin*(y+down)), fixed(y + sin*(x+right) - cos*(y+down))},
		along:  [2]int32{fixed(cos), fixed(-sin)},
		across: [2]int32{fixed(sin), fixed(cos)},
	}
}

// resample takes each pixel of to from the four of from around its place, by distance. Beyond its edges an image is 0.
func (a *augmenter) resample(to, from []uint8, m mapping) {
	at := func(row, col int32) int32 {
		if uint32(row) >= uint32(a.rows) || uint32(col) >= uint32(a.cols) {
			return 0
		}
		return int32(from[int(row)*a.cols+int(col)])
	}
	for r := range a.rows {
		x, y := m.origin[0]+int32(r)*m.across[0], m.origin[1]+int32(r)*m.across[1]
		for c := range a.cols {
			col, row := x>>16, y>>16
			fx, fy := x>>8&0xff, y>>8&0xff
			var p00, p01, p10, p11 int32
			if uint32(row) < uint32(a.rows-1) && uint32(col) < uint32(a.cols-1) {
				four := from[int(row)*a.cols+int(col):]
				p00, p01, p10, p11 = int32(four[0]), int32(four[1]), int32(four[a.cols]), int32(four[a.cols+1])
			} else {
				p00, p01, p10, p11 = at(row, col), at(row, col+1), at(row+1, col), at(row+1, col+1)
			}
			top, bottom := p00<<8+(p01-p00)*fx, p10<<8+(p11-p10)*fx
			to[r*a.cols+c] = uint8((top<<8 + (bottom-top)*fy + 1<<15) >> 16)
			x, y = x+m.along[0], y+m.along[1]
		}
	}
}
