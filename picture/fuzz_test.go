package picture

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"lenet/badfile"
)

// What is decoded of a picture is at most 8 bytes a pixel, and so at most 480 MB; the stages look at four megapixels.
var pictureBound = badfile.Bound{Times: 60, Plus: 3 << 30}

// FuzzPicture decodes a picture, and prepares it for a frame as a weights file's metadata have it.
func FuzzPicture(f *testing.F) {
	for _, name := range []string{"animated.gif", "bilevel.bmp", "cmyk.jpg", "interlaced.png", "lossless.webp", "lossy.webp", "lzw.tif", "progressive.jpg"} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file, []byte(`{"rows":28,"cols":28,"box_rows":20,"box_cols":20,"centre_row":14.5,"centre_col":14.5,"stroke":2.5}`))
	}
	f.Fuzz(func(t *testing.T, file, frame []byte) {
		var fr Frame
		if err := json.Unmarshal(frame, &fr); err != nil || fr.Rows > 64 || fr.Cols > 64 { // it has as many pixels as the network's weights
			fr = MNIST(28, 28)
		}
		pictureBound.Hold(t, len(file), func() { prepareAll(t, file, fr) })
	})
}

// prepareAll does with a picture what users of the package do.
func prepareAll(t *testing.T, file []byte, frame Frame) {
	t.Helper()
	if o := orientationOf(file); o < 1 || o > 8 { // broken EXIF data are as none
		t.Fatalf("orientation %d", o)
	}
	config, err := checkHeader(bytes.NewReader(file))
	picture, decodeErr := Decode(bytes.NewReader(file))
	if decodeErr != nil {
		return
	}
	if s := picture.Bounds().Size(); err != nil || s.X != config.Width || s.Y != config.Height || checkSize(s.X, s.Y) != nil {
		t.Fatalf("a picture of %v, in a file whose header says %dx%d, error %v", s, config.Width, config.Height, err)
	}
	if grey := Grey(picture); grey.Rect.Size() != size(picture) || len(grey.Pix) != size(picture).X*size(picture).Y {
		t.Fatalf("a picture of %v has grey values of %v, %d bytes", size(picture), grey.Rect, len(grey.Pix))
	}
	images, err := Split(picture, frame)
	if (err == nil) != (len(images) > 0) {
		t.Fatalf("%d images, error %v", len(images), err)
	}
	if one, err := Prepare(picture, frame); err == nil {
		images = append(images, one)
	}
	if frame.Validate() == nil {
		images = append(images, Scaled(picture, frame))
	}
	for _, pixels := range images {
		if len(pixels) != frame.Rows*frame.Cols {
			t.Fatalf("%d pixels for a frame of %dx%d", len(pixels), frame.Rows, frame.Cols)
		}
	}
}

// Pictures of many parts, and of shapes that nobody's are: what is done with them takes bounded time and memory, too.
func TestLargeHostilePicturesAreDoneWithInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector, it takes minutes")
	}
	dots := func(side, apart int) func(x, y int) bool {
		return func(x, y int) bool { return x%apart < side && y%apart < side }
	}
	for _, c := range []struct {
		name string
		w, h int
		ink  func(x, y int) bool
	}{
		{"dots", 1024, 1024, dots(5, 12)},
		{"small dots", 4200, 249, dots(1, 3)},
		{"dots in a ribbon", 16384, 64, dots(4, 5)},
		{"dots in a longer ribbon", 65535, 64, dots(4, 5)},
		{"dots in an upright ribbon", 64, 65535, dots(4, 5)},
		{"bars in a ribbon", 16384, 64, func(x, y int) bool { return x%4 < 2 && y > 2 && y < 60 }},
		{"small rings", 4200, 249, func(x, y int) bool { x, y = x%6, y%6; return x < 5 && y < 5 && (x == 0 || y == 0 || x == 4 || y == 4) }},
		{"rings in rings", 1024, 1024, func(x, y int) bool {
			return max(abs(float32(x-512)), abs(float32(y-512))) > 3 && int(max(abs(float32(x-512)), abs(float32(y-512))))%12 < 6
		}},
		{"a spiral", 1000, 1000, func(x, y int) bool {
			d := max(x-500, 500-x, y-500, 500-y)
			return d%20 < 10 != (x > 490 && x < 500 && y > 500)
		}},
		{"bars, then dots", 4096, 64, func(x, y int) bool {
			if x < 3000 {
				return x%7 < 2 && y > 1 && y < 62
			}
			return x%5 < 4 && y%5 < 4
		}},
		{"diagonals", 1024, 1024, func(x, y int) bool { return (x+y)%9 < 3 && x%5 != 0 }},
		{"noise", 1024, 1024, func(x, y int) bool { return (x*7919+y*104729)*2654435761>>7&7 == 0 }},
		{"all ink but a frame", 2000, 2000, func(x, y int) bool { return x > 30 && y > 30 && x < 1970 && y < 1970 }},
		{"a photograph's size", 7000, 7000, dots(35, 84)},
		{"a long side", 60000000, 1, dots(1, 3)},
		{"a tall side", 1, 60000000, dots(1, 3)},
		{"too long and as large as it may be", 65535, 915, dots(5, 12)},
		{"too tall and as large as it may be", 915, 65535, dots(5, 12)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var file bytes.Buffer
			if err := png.Encode(&file, drawing{c.w, c.h, c.ink}); err != nil {
				t.Fatal(err)
			}
			for _, frame := range []Frame{MNIST(28, 28), {Rows: 28, Cols: 28, BoxRows: 28, BoxCols: 28}, {Rows: 28, Cols: 28, BoxRows: 28, BoxCols: 28, Whole: true}} {
				var picture image.Image
				var err error
				pictureBound.Hold(t, file.Len(), func() { picture, err = Decode(bytes.NewReader(file.Bytes())) })
				if err != nil {
					t.Log(err)
					return
				}
				pictureBound.Hold(t, file.Len(), func() { _, err = Split(picture, frame) })
				t.Log(err)
				pictureBound.Hold(t, file.Len(), func() { Scaled(picture, frame) })
			}
		})
	}
}

// A drawing is black where there is ink, on white.
type drawing struct {
	w, h int
	ink  func(x, y int) bool
}

var blackOnWhite = color.Palette{color.White, color.Black}

func (d drawing) ColorModel() color.Model { return blackOnWhite }
func (d drawing) Bounds() image.Rectangle { return image.Rect(0, 0, d.w, d.h) }
func (d drawing) At(x, y int) color.Color { return blackOnWhite[d.ColorIndexAt(x, y)] }
func (d drawing) ColorIndexAt(x, y int) uint8 {
	if d.ink(x, y) {
		return 1
	}
	return 0
}
