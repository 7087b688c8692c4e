package picture_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xdraw "golang.org/x/image/draw"

	"lenet/dataset/datasettest"
	"lenet/picture"
)

// photographed returns an MNIST image as somebody might hand it in: dark on light, larger, off the centre of a wide sheet.
func photographed(pixels []uint8, scale int) image.Image {
	sheet := image.NewGray(image.Rect(0, 0, 28*scale*2, 28*scale+50))
	for i := range sheet.Pix {
		sheet.Pix[i] = 230
	}
	inverted := image.NewGray(image.Rect(0, 0, 28, 28))
	for i, v := range pixels {
		inverted.Pix[i] = 230 - uint8(int(v)*200/255)
	}
	xdraw.BiLinear.Scale(sheet, image.Rect(17, 40, 17+28*scale, 40+28*scale), inverted, inverted.Rect, xdraw.Src, nil)
	return sheet
}

func TestPrepareGivesBackMNISTsImages(t *testing.T) {
	_, test := datasettest.MNIST(t)
	sum := 0.0
	const n = 100
	for i := range n {
		want := test.Images[i*28*28:][:28*28]
		got, err := picture.Prepare(photographed(want, 9), picture.MNIST(28, 28))
		if err != nil {
			t.Fatal(err)
		}
		for j := range want {
			d := float64(got[j]) - float64(want[j])
			sum += d * d
		}
	}
	// Moved by one pixel, an image differs from itself by a mean square of 3000 and more.
	if mean := sum / (n * 28 * 28); mean > 500 {
		t.Errorf("the mean square of the differences is %.0f", mean)
	}
}

func TestPrepareCentresLightOnDarkAndTransparent(t *testing.T) {
	drawn := image.NewNRGBA(image.Rect(-5, -5, 95, 195)) // a black bar on nothing
	for y := 20; y < 120; y++ {
		for x := 10; x < 20; x++ {
			drawn.Set(x, y, color.NRGBA{0, 0, 0, 255})
		}
	}
	bar, err := picture.Prepare(drawn, picture.MNIST(28, 28))
	if err != nil {
		t.Fatal(err)
	}
	for y := range 28 {
		for x := range 28 {
			want := uint8(0)
			if y >= 5 && y < 25 && (x == 14 || x == 15) {
				want = 255
			}
			if bar[y*28+x] != want {
				t.Fatalf("pixel (%d, %d) is %d, want %d", x, y, bar[y*28+x], want)
			}
		}
	}
	light := image.NewGray(image.Rect(0, 0, 100, 200))
	for y := 20; y < 120; y++ {
		for x := 10; x < 20; x++ {
			light.Set(x, y, color.White)
		}
	}
	if other, err := picture.Prepare(light, picture.MNIST(28, 28)); err != nil || !bytes.Equal(other, bar) {
		t.Errorf("light on dark is not as dark on light; error %v", err)
	}
}

// header is a PNG file's signature and first chunk, with its checksum.
func header(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = append(binary.BigEndian.AppendUint32(chunk, height), 8, 0, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

// read returns the error of reading and preparing a file's picture.
func read(path string) error {
	img, err := picture.Open(path)
	if err == nil {
		_, err = picture.Prepare(img, picture.MNIST(28, 28))
	}
	return err
}

func TestPicturesThatAreNone(t *testing.T) {
	var white, whole bytes.Buffer
	if err := png.Encode(&white, image.NewGray(image.Rect(0, 0, 30, 30))); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&whole, photographed(make([]uint8, 28*28), 2), nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"text":           {[]byte("digit: 7"), "not a PNG, JPEG"},
		"empty":          {nil, "the file is empty"},
		"100 megapixels": {header(10000, 10000), "10000x10000 pixels, more than 60 million"},
		"2^64 pixels":    {header(0x7fffffff, 0x7fffffff), "dimension overflow"},
		"no pixels":      {header(0, 10), "non-positive dimension"},
		"cut off":        {white.Bytes()[:40], "unexpected EOF"},
		"one colour":     {white.Bytes(), "no digit in it"},
		"JPEG cut off":   {whole.Bytes()[:whole.Len()/2], "unexpected EOF"},
	} {
		path := filepath.Join(t.TempDir(), "picture")
		if err := os.WriteFile(path, c.content, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := read(path); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
	if err := read("nowhere.png"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
}
