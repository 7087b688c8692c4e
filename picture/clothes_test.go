package picture

import (
	"image"
	"testing"
)

// shirt is a subject that is no drawing: it fills almost all of w x h pixels, has a grey pattern, and a belt as thin as a ruled line from one side of the
// picture to the other.
func shirt(w, h int) *image.Gray {
	p := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			switch {
			case v >= 0.5 && v < 0.528: // the belt
				p.Pix[y*p.Stride+x] = 255
			case v > 0.03 && v < 0.97 && (v < 0.3 && u > 0.05 && u < 0.95 || u > 0.2 && u < 0.8): // sleeves and body
				p.Pix[y*p.Stride+x] = uint8(120 + 80*u)
			}
		}
	}
	return p
}

// Subjects that fill the images of a training set, as clothes do, are not treated as drawings of strokes: their lines stay, and nothing is widened.
func TestSubjectsWithoutStrokesAreOnlyScaled(t *testing.T) {
	var set []uint8
	for range 50 {
		set = append(set, shirt(28, 28).Pix...)
	}
	frame := Measure(set, 28, 28)
	if frame.Stroke != 0 || frame.BoxRows < 26 || frame.BoxCols != 28 {
		t.Fatalf("frame %+v", frame)
	}
	want := shirt(28, 28)
	same, err := Prepare(want, frame)
	if err != nil {
		t.Fatal(err)
	}
	large, err := Prepare(shirt(280, 280), frame)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]uint8{"28x28": same, "280x280": large} {
		sum, belt := 0, 0
		for i, v := range got {
			d := int(v) - int(want.Pix[i])
			sum += max(d, -d)
			if i%28 == 0 { // beside the body, only the belt is
				belt += int(v)
			}
		}
		if sum > 30*len(got) || belt < 200 {
			t.Errorf("%s: the mean difference is %d; the belt has %d", name, sum/len(got), belt)
		}
	}
}
