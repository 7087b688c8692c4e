package picture_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	xdraw "golang.org/x/image/draw"

	"lenet/dataset/datasettest"
	"lenet/picture"
)

// enlarged returns an MNIST image as dark ink on a light ground, in w x h pixels.
func enlarged(pixels []uint8, w, h int) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, 28, 28))
	for i, v := range pixels {
		small.Pix[i] = 255 - v
	}
	big := image.NewGray(image.Rect(0, 0, w, h))
	for i := range big.Pix {
		big.Pix[i] = 255
	}
	side := min(w, h)
	at := image.Rect((w-side)/2, (h-side)/2, (w+side)/2, (h+side)/2)
	xdraw.BiLinear.Scale(big, at, small, small.Rect, xdraw.Src, nil)
	return big
}

// photograph returns a picture as a camera takes it: with light from the left and noise.
func photograph(drawn *image.Gray) image.Image {
	r := rand.New(rand.NewPCG(1, 2))
	out := image.NewRGBA(drawn.Rect)
	w := drawn.Rect.Dx()
	for i, v := range drawn.Pix {
		light := 0.9 - 0.4*float64(i%w)/float64(w)
		v := uint8(light*(30+0.85*float64(v)) + 4*r.Float64())
		out.SetRGBA(i%w, i/w, color.RGBA{v, v, uint8(0.9 * float64(v)), 255})
	}
	return out
}

// docs/data.md has these times.
func BenchmarkPrepare(b *testing.B) {
	_, test := datasettest.MNIST(b)
	digit := test.Images[:784]
	for _, c := range []struct {
		name    string
		picture image.Image
	}{
		{"image of 28x28", &image.Gray{Pix: digit, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}},
		{"drawing of 280x280", enlarged(digit, 280, 280)},
		{"drawing of 500x500", enlarged(digit, 500, 500)},
		{"drawing of 2000x2000", enlarged(digit, 2000, 2000)},
		{"photograph of 800x600", photograph(enlarged(digit, 800, 600))},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := picture.Prepare(c.picture, picture.MNIST(28, 28)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, photograph(enlarged(digit, 4000, 3000)), nil); err != nil {
		b.Fatal(err)
	}
	b.Run("JPEG photograph of 4000x3000, decoded", func(b *testing.B) {
		for b.Loop() {
			p, err := picture.Decode(bytes.NewReader(file.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := picture.Prepare(p, picture.MNIST(28, 28)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
