package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"
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

// Broken EXIF data are as none: cut off anywhere, of an orientation that there isn't, or without an end.
func TestPicturesWithBrokenEXIFStayAsTheyAre(t *testing.T) {
	whole := exif(binary.LittleEndian, 6)
	broken := [][]byte{exif(binary.LittleEndian, 0), exif(binary.BigEndian, 9), exif(binary.BigEndian, 65535)}
	for n := range 20 { // the orientation is there from byte 20 on
		broken = append(broken, whole[:n])
	}
	beyond := slices.Clone(whole)
	binary.LittleEndian.PutUint32(beyond[4:], 1<<31)
	broken = append(broken, beyond)
	var file bytes.Buffer
	if err := jpeg.Encode(&file, stored(corner(), 6), nil); err != nil {
		t.Fatal(err)
	}
	for i, data := range broken {
		p, err := Decode(bytes.NewReader(withJPEG(file.Bytes(), data)))
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if _, ok := p.(*turned); ok {
			t.Errorf("%d: it is turned", i)
		}
	}
}
