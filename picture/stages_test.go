package picture_test

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"slices"
	"testing"

	xdraw "golang.org/x/image/draw"

	"lenet/dataset/datasettest"
	"lenet/picture"
)

var update = flag.Bool("update", false, "write the pictures of docs/pictures anew")

// thinPen is a seven of single pixels on a sheet of 500x500.
func thinPen() image.Image {
	p := image.NewGray(image.Rect(0, 0, 500, 500))
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	for i := range 200 {
		p.SetGray(150+i, 110, color.Gray{})
	}
	for i := range 300 {
		p.SetGray(350-i*4/10, 110+i, color.Gray{})
	}
	return p
}

// squared is an MNIST image in blue on squared paper, with light from the left.
func squared(pixels []uint8) image.Image {
	small := &image.Gray{Pix: pixels, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
	big := image.NewGray(image.Rect(0, 0, 400, 400))
	xdraw.CatmullRom.Scale(big, image.Rect(80, 60, 360, 340), small, small.Rect, xdraw.Src, nil)
	out := image.NewRGBA(big.Rect)
	for y := range 400 {
		for x := range 400 {
			light, ink := 1.3-float64(x)/500, float64(big.GrayAt(x, y).Y)/255
			if x%36 < 2 || y%36 < 2 {
				light *= 0.88
			}
			level := func(paper, pen float64) uint8 { return uint8(math.Min(255, light*(paper+(pen-paper)*ink))) }
			out.SetRGBA(x, y, color.RGBA{level(190, 30), level(185, 50), level(165, 120), 255})
		}
	}
	return out
}

// The stages are those of the package's comment, in its order. With -update, docs/pictures shows what each makes of two pictures.
func TestStages(t *testing.T) {
	_, test := datasettest.MNIST(t)
	for name, drawn := range map[string]image.Image{"thin-pen": thinPen(), "squared-paper": squared(test.Images[:784])} {
		const tile = 200
		strip := image.NewRGBA(image.Rect(0, 0, 7*tile, tile))
		xdraw.Draw(strip, strip.Rect, image.NewUniform(color.RGBA{128, 128, 128, 255}), image.Point{}, xdraw.Src)
		var stages []string
		show := func(stage string, img image.Image) {
			size := img.Bounds().Size()
			fit := float64(tile-8) / float64(max(size.X, size.Y))
			at := image.Rect(0, 0, int(float64(size.X)*fit), int(float64(size.Y)*fit)).Add(image.Pt(len(stages)*tile+4, 4))
			var scaler xdraw.Scaler = xdraw.CatmullRom
			if fit > 1 {
				scaler = xdraw.NearestNeighbor
			}
			scaler.Scale(strip, at, img, img.Bounds(), xdraw.Src, nil)
			stages = append(stages, stage)
		}
		if err := picture.Stages(drawn, picture.MNIST(28, 28), show); err != nil {
			t.Fatalf("%s: %v, stages %v", name, err, stages)
		}
		if want := []string{"upright", "contrast", "ink", "subject", "thickness", "scale", "placed"}; !slices.Equal(stages, want) {
			t.Errorf("%s: stages %v, want %v", name, stages, want)
		}
		if !*update {
			continue
		}
		file, err := os.Create("../docs/pictures/" + name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := png.Encode(file, strip); err != nil {
			t.Fatal(err)
		}
	}
}
