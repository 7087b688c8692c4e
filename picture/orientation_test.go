package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// corner is a picture with a thick L, which no turn leaves as it is.
func corner() *image.Gray {
	p := image.NewGray(image.Rect(0, 0, 120, 160))
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	for y := 20; y < 140; y++ {
		for x := 30; x < 90; x++ {
			if x < 42 || y >= 126 {
				p.SetGray(x, y, color.Gray{})
			}
		}
	}
	return p
}

// stored returns a picture as a camera stores it that gives the orientation o, by what EXIF says of it.
func stored(p *image.Gray, o int) *image.Gray {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if o >= 5 {
		w, h = h, w
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			// Where the stored picture's row 0 and column 0 are seen: 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right
			// top, 7 right bottom, 8 left bottom.
			right, bottom := p.Rect.Dx()-1-x, p.Rect.Dy()-1-y
			at := [][2]int{{x, y}, {right, y}, {right, bottom}, {x, bottom}, {y, x}, {y, right}, {bottom, right}, {bottom, x}}[o-1]
			out.SetGray(at[0], at[1], p.GrayAt(x, y))
		}
	}
	return out
}

// exif returns EXIF data with an orientation.
func exif(order binary.AppendByteOrder, o int) []byte {
	mark := "II"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		mark = "MM"
	}
	b := order.AppendUint16([]byte(mark), 42)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0x112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, uint16(o))
	return append(b, 0, 0, 0, 0, 0, 0)
}

func withJPEG(file, exif []byte) []byte {
	segment := append([]byte("Exif\x00\x00"), exif...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(2+len(segment)))
	return slices.Concat(head, segment, file[2:])
}

// All eight orientations of a phone's pictures are turned upright, in both byte orders.
func TestPicturesAreTurnedAsEXIFSays(t *testing.T) {
	want, err := Prepare(corner(), MNIST(28, 28))
	if err != nil {
		t.Fatal(err)
	}
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			var file bytes.Buffer
			if err := jpeg.Encode(&file, stored(corner(), o), &jpeg.Options{Quality: 95}); err != nil {
				t.Fatal(err)
			}
			p, err := Decode(bytes.NewReader(withJPEG(file.Bytes(), exif(order, o))))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Prepare(p, MNIST(28, 28))
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if d := int(got[i]) - int(want[i]); d < -40 || d > 40 {
					t.Errorf("orientation %d: pixel %d is %d, want %d", o, i, got[i], want[i])
					break
				}
			}
		}
	}
}

// Broken EXIF data are as none.
func FuzzOrientation(f *testing.F) {
	f.Add(withJPEG([]byte{0xff, 0xd8}, exif(binary.LittleEndian, 6)))
	f.Add([]byte("\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIf"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPEXIF\xff\xff\xff\xff"))
	f.Add(exif(binary.BigEndian, 700)[:20])
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := orientationOf(file); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

// Every format that is read gives the same image.
func TestFormatsAreRead(t *testing.T) {
	want, err := Prepare(corner(), MNIST(28, 28))
	if err != nil {
		t.Fatal(err)
	}
	deep := image.NewGray16(corner().Rect)
	for i, v := range corner().Pix {
		binary.BigEndian.PutUint16(deep.Pix[2*i:], uint16(v)*257)
	}
	palette := image.NewPaletted(corner().Rect, color.Palette{color.White, color.Black})
	for i, v := range corner().Pix {
		palette.Pix[i] = 1 - v/255
	}
	for name, encode := range map[string]func(*bytes.Buffer) error{
		"PNG":         func(b *bytes.Buffer) error { return png.Encode(b, corner()) },
		"16-bit PNG":  func(b *bytes.Buffer) error { return png.Encode(b, deep) },
		"palette PNG": func(b *bytes.Buffer) error { return png.Encode(b, palette) },
		"BMP":         func(b *bytes.Buffer) error { return bmp.Encode(b, corner()) },
		"TIFF":        func(b *bytes.Buffer) error { return tiff.Encode(b, corner(), nil) },
		"animated GIF": func(b *bytes.Buffer) error {
			return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{palette, image.NewPaletted(palette.Rect, palette.Palette)}, Delay: []int{1, 1}})
		},
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		p, err := Decode(&b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := Prepare(p, MNIST(28, 28)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: error %v, or another image", name, err)
		}
	}
}

// The error for a format that is not read says what to do.
func TestUnsupportedFormatsAreNamed(t *testing.T) {
	for kind, start := range map[string]string{
		"HEIC": "\x00\x00\x00\x18ftypheic\x00\x00", "AVIF": "\x00\x00\x00\x18ftypavif\x00\x00", "PDF": "%PDF-1.7", "SVG": "<?xml version='1.0'?><svg>",
	} {
		if _, err := Decode(strings.NewReader(start)); err == nil || !strings.Contains(err.Error(), kind+" files are not supported; export it as JPEG or PNG") {
			t.Errorf("%s: error %v", kind, err)
		}
	}
}
