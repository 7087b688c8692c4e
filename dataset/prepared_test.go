package dataset

import (
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"runtime"
	"testing"

	"lenet/picture"
)

// preparedSums are those of the picture below, prepared, for each version.
var preparedSums = map[int]string{2: "c09b4e3fab2464c2"}

// When pictures are prepared in another way, the images in people's caches are old ones, unless the version changes, too.
func TestTheVersionOfPreparedPicturesChangesWithThem(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors round otherwise")
	}
	p := image.NewRGBA(image.Rect(0, 0, 300, 400))
	for y := range 400 {
		for x := range 300 {
			light := uint8(150 + x/4)
			p.Set(x, y, color.RGBA{light, light, light - 20, 255})
			if inSeven := y > 80 && y < 100 && x > 80 && x < 220 || y >= 100 && y < 330 && x > 205-y/3 && x < 222-y/3; inSeven {
				p.Set(x, y, color.RGBA{40, 40, 90, 255})
			}
		}
	}
	pixels, err := picture.Prepare(p, picture.MNIST(28, 28))
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(pixels))[:16]; preparedSums[preparedVersion] != sum {
		t.Errorf("the prepared picture's sum is %s: raise preparedVersion, and write that down here", sum)
	}
}
