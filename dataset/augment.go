package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
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
	framed     []uint8 // an image's content with zeros around it, reused
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

// shift moves an image by whole pixels: all of it at once, as if it were one row. Columns that leave a row enter the next one
// on its other side, where zeros replace them.
func (a *augmenter) shift(to, from []uint8, right, down int) {
	clear(to)
	if max(right, -right) >= a.cols || max(down, -down) >= a.rows {
		return
	}
	by := down*a.cols + right
	copy(to[max(0, by):], from[max(0, -by):])
	first, end := 0, right
	if right < 0 {
		first, end = a.cols+right, a.cols
	}
	for c := first; c < end; c++ {
		for i := c; i < len(to); i += a.cols {
			to[i] = 0
		}
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
//
// It computes only the pixels whose places lie on from's content. The content has at least one 0 around it, so that the inner loop need
// not ask where the image ends.
func (a *augmenter) resample(to, from []uint8, m mapping) {
	clear(to)
	b := content(from, a.cols)
	if b.left >= b.right {
		return
	}
	pixels, stride := a.frame(from, b)
	// Places, as (x, y) in units of 2^-16 pixels, count from pixels[0].
	x0, y0 := int(m.origin[0])-(b.left-1)<<16, int(m.origin[1])-(b.top-1)<<16
	dx, dy := int(m.along[0]), int(m.along[1])
	byX := newBand(x0, dx, int(m.across[0]), b.right-b.left+1)
	byY := newBand(y0, dy, int(m.across[1]), b.bottom-b.top+1)
	for r := range a.rows {
		first, end := byX.clip(r, 0, a.cols)
		first, end = byY.clip(r, first, end)
		if first < end {
			x, y := x0+r*int(m.across[0])+first*dx, y0+r*int(m.across[1])+first*dy
			interpolate(to[r*a.cols:][first:end], pixels, stride, x, y, dx, dy)
		}
	}
}

// interpolate fills part of a row: to[c] is the value at (x + c·dx, y + c·dy), none of which is negative. It is a function of its own
// because its loop needs the registers.
//
// A pair is a pixel, or a value between two rows, and its right neighbour, 32 bits higher: both are computed at once. The weights of
// the last product are 256-fx, 32 bits higher, and fx: its upper half is left·(256-fx) + right·fx. Another order of these statements,
// or the same sums in other words, can cost a quarter more: measure.
func interpolate(to, pixels []uint8, stride, x, y, dx, dy int) {
	below := pixels[stride:]
	pixels = pixels[:len(below)] // one bounds check is enough for both
	for c := range to {
		i := uint64(uint32(y>>16*stride + x>>16)) // no sum with it overflows
		top := uint64(pixels[i+1])<<32 | uint64(pixels[i])
		bottom := uint64(below[i+1])<<32 | uint64(below[i])
		pair := top<<8 + (bottom-top)*uint64(uint8(y>>8))
		fx := uint64(uint8(x >> 8))
		to[c] = uint8((pair*(1<<40-fx<<32+fx) + 1<<47) >> 48)
		x += dx
		y += dy
	}
}

// A box is the part of an image from the column left to before right, and from the row top to before bottom.
type box struct{ left, right, top, bottom int }

// content returns a box outside of which an image is 0. It is the smallest one or, since it reads eight pixels at a time, a row higher.
func content(image []uint8, cols int) box {
	const word = 8
	if cols < word {
		return box{0, cols, 0, len(image) / cols}
	}
	start, end := 0, len(image)
	for start+word <= end && binary.LittleEndian.Uint64(image[start:]) == 0 {
		start += word
	}
	for start+word <= end && binary.LittleEndian.Uint64(image[end-word:]) == 0 {
		end -= word
	}
	b := box{left: cols, top: start / cols, bottom: (end + cols - 1) / cols}
	rows := image[b.top*cols : b.bottom*cols]
	for c := 0; c < cols; c += word {
		c := min(c, cols-word)
		var union uint64 // of the eight columns from c on, over the rows
		for i := c; i < len(rows); i += cols {
			union |= binary.LittleEndian.Uint64(rows[i:])
		}
		if union != 0 {
			b.left = min(b.left, c+bits.TrailingZeros64(union)/8)
			b.right = c + word - bits.LeadingZeros64(union)/8
		}
	}
	return b
}

// frame returns pixels that hold the box and zeros around it: one row and column before it, two after. The first is that at
// (left - 1, top - 1), and stride is the distance of rows. If the image has these zeros itself, nothing is copied.
func (a *augmenter) frame(from []uint8, b box) (pixels []uint8, stride int) {
	if b.left > 0 && b.top > 0 && b.right+1 < a.cols && b.bottom+1 < a.rows {
		return from[(b.top-1)*a.cols+b.left-1:], a.cols
	}
	if a.framed == nil {
		a.framed = make([]uint8, (a.rows+3)*(a.cols+3))
	}
	stride = b.right - b.left + 3
	pixels = a.framed[:(b.bottom-b.top+3)*stride]
	clear(pixels)
	for r := b.top; r < b.bottom; r++ {
		copy(pixels[(r-b.top+1)*stride+1:], from[r*a.cols:][b.left:b.right])
	}
	return pixels, stride
}

// A band holds, for one coordinate, the columns of to whose places lie within the frame: those of row r are low + r·slope to
// high + r·slope. At both ends the place has the coordinate of a 0, so that it doesn't matter how these sums are rounded.
type band struct{ low, high, slope float64 }

// newBand returns the band of the places origin + column·along + row·across that lie from 0 to size pixels.
func newBand(origin, along, across, size int) band {
	columns := 1 / float64(along) // for each unit of a place
	if along == 0 {
		columns = 1 << 20 // more than a row has
	}
	low, high := float64(-origin)*columns, float64(size<<16-origin)*columns
	return band{min(low, high), max(low, high), -float64(across) * columns}
}

// clip leaves of the columns from first to before end those in the band.
func (b band) clip(row, first, end int) (int, int) {
	move := float64(row)*b.slope + 1 // int rounds down: to the next column, and to the one after the last
	return max(first, int(b.low+move)), min(end, int(b.high+move))
}
