package picture_test

import (
	"testing"
	"time"

	"lenet/dataset/datasettest"
	"lenet/picture"
)

// A network trained on MNIST gets its pictures as one whose weights don't say how they have to be prepared.
func TestMNISTsFrameIsTheDefault(t *testing.T) {
	training, test := datasettest.MNIST(t)
	for name, images := range map[string][]uint8{"training": training.Images, "test": test.Images} {
		start := time.Now()
		if f := picture.Measure(images, 28, 28); f != picture.MNIST(28, 28) {
			t.Errorf("%s: %+v, want %+v", name, f, picture.MNIST(28, 28))
		}
		t.Log(time.Since(start))
	}
}
