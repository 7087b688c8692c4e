package figure

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
)

func decoded(t *testing.T, f Figure) image.Image {
	t.Helper()
	content, err := PNG(f)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// count returns how many pixels of a picture have a colour.
func count(picture image.Image, want color.RGBA) (n int) {
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if color.RGBAModel.Convert(picture.At(x, y)) == want {
				n++
			}
		}
	}
	return n
}

func TestLinesHaveTheirLabelsColoursAndTicks(t *testing.T) {
	l := &Lines{Title: "A title", XLabel: "epoch", YLabel: "time (s)", Series: []Series{
		{Name: "one", X: []float64{1, 2.5}, Y: []float64{3, 4}}, {Name: "two", X: []float64{1, 2.5}, Y: []float64{4, 5}, Dashed: true},
	}}
	svg, err := SVG(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"A title", "epoch", "time (s)", ">one<", ">two<", ">2.5<", "currentColor", "#0082C8", "#D56E00", "stroke-dasharray"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the SVG lacks %q", want)
		}
	}
	if !strings.HasPrefix(svg, `<svg fill="currentColor"`) || strings.Contains(svg, "#000000") {
		t.Error("the SVG is no element that takes on the colour of its text")
	}
	picture := decoded(t, l)
	if count(picture, palette[0]) < 500 || count(picture, palette[1]) < 300 || count(picture, color.RGBA{255, 255, 255, 255}) < 100000 {
		t.Error("the PNG lacks the lines, or the white behind them")
	}
}

// On a linear axis 0.01 would lie within a hundredth of 0.001, on a logarithmic one it is half-way to 0.1.
func TestLearningRatesThatSpanDecadesAreLogarithmic(t *testing.T) {
	l := &Lines{Series: []Series{{Name: "one", X: []float64{0.001, 0.01, 0.1}, Y: []float64{1, 2, 3}}}, Logarithmic: true}
	for want, last := range map[float64]float64{0.5: 0.1, 0.45: 0.021} {
		l.Series[0].X[2] = last
		p, err := l.plot()
		if err != nil {
			t.Fatal(err)
		}
		if at := p.X.Norm(0.01); math.Abs(at-want) > 1e-9 {
			t.Errorf("between 0.001 and %v, 0.01 lies at %v, want %v", last, at, want)
		}
	}
}

func TestWrongDigitsAreMarked(t *testing.T) {
	digit := Digit{Rows: 28, Cols: 28, Pixels: make([]uint8, 28*28), True: 3, Predicted: 3, Probability: 0.75}
	right := &Digits{Title: "right", Columns: 3, Digits: []Digit{digit, digit, digit, digit}}
	if n := count(decoded(t, right), palette[1]); n != 0 {
		t.Errorf("%d pixels of right digits have the colour of mistakes", n)
	}
	digit.Predicted = 5
	wrong := &Digits{Title: "wrong", Columns: 3, Digits: []Digit{digit}}
	if n := count(decoded(t, wrong), palette[1]); n < 1000 {
		t.Errorf("%d pixels of a wrong digit have the colour of mistakes", n)
	}
	svg, err := SVG(wrong)
	if err != nil || !strings.Contains(svg, "true 3") || !strings.Contains(svg, "wrong: 5, 75.0 %") {
		t.Errorf("error %v", err)
	}
	if w, h := right.size(); w > 12*72/2.54 || h < 2*(pixels+caption) {
		t.Errorf("four digits in three columns have the size %v x %v", w, h)
	}
}

// Three of five places have points, in two pieces: one of them is a dot alone.
func TestAGapKeepsItsPlaceAndItsName(t *testing.T) {
	l := &Lines{Names: []string{"a", "b", "c", "d", "e"}, Series: []Series{{Name: "one", Y: []float64{0.5, 0.6, math.NaN(), 0.9, math.NaN()}}}}
	l.Fit()
	if l.Empty() || !(l.YMin < 0.5 && l.YMin > 0.4 && l.YMax > 0.9 && l.YMax < 1) {
		t.Errorf("empty: %v; y from %v to %v", l.Empty(), l.YMin, l.YMax)
	}
	svg, err := SVG(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range l.Names {
		if !strings.Contains(svg, ">"+name+"<") {
			t.Errorf("the SVG lacks %q", name)
		}
	}
	p, err := l.plot()
	if err != nil {
		t.Fatal(err)
	}
	if at := p.X.Norm(3); math.Abs(at-0.717) > 0.001 { // 3.3 of 4.6
		t.Errorf("the fourth place is at %v", at)
	}
	pieces := l.Series[0].pieces()
	if len(pieces) != 2 || len(pieces[0]) != 2 || len(pieces[1]) != 1 || pieces[1][0].X != 3 {
		t.Errorf("pieces %v", pieces)
	}
}

func TestAPlotWithoutPointsCanBeDrawn(t *testing.T) {
	l := &Lines{Names: []string{"a", "b"}, Series: []Series{{Name: "one", Y: []float64{math.NaN(), math.NaN()}}, {Name: "two"}}}
	l.Fit()
	if _, err := PNG(l); err != nil || !l.Empty() {
		t.Errorf("empty: %v; error %v", l.Empty(), err)
	}
}
