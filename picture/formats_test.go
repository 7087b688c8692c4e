package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"strings"
	"testing"
)

// PNG pictures of any depth give the same image.
func TestPNGsOfAnyDepthAreRead(t *testing.T) {
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

// All formats are read. The files are from another program: with an encoder of the same package, this test would have the decoder that package
// picture might have forgotten.
func TestFilesOfOtherProgramsAreRead(t *testing.T) {
	want, err := Prepare(corner(), MNIST(28, 28))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	pictures := 0
	for _, path := range files {
		if !Named(path) {
			continue
		}
		pictures++
		p, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := Prepare(p, MNIST(28, 28))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for i := range want {
			if d := int(got[i]) - int(want[i]); d < -40 || d > 40 { // a lossy format blurs edges
				t.Errorf("%s: pixel %d is %d, want %d", path, i, got[i], want[i])
				break
			}
		}
	}
	if pictures != 8 {
		t.Errorf("testdata has %d pictures, want 8", pictures)
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
