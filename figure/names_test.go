package figure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// matrix is one of n classes whose images are right, but for one of each that is taken for the next class.
func matrix(n, images int, names ...string) *Matrix {
	m := &Matrix{Title: fmt.Sprintf("Confusion matrix, %d test images, %d wrong", n*images, n), Classes: names, Counts: make([][]int, n)}
	for i := range m.Counts {
		m.Counts[i] = make([]int, n)
		m.Counts[i][i], m.Counts[i][(i+1)%n] = images-1, 1
	}
	return m
}

func svg(t *testing.T, f Figure) string {
	t.Helper()
	text, err := SVG(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMatrixShowsNamesAndCounts(t *testing.T) {
	fashion := []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
	text := svg(t, matrix(10, 1000, fashion...))
	for _, want := range append(fashion, "999", "predicted class", "true class (cells: images)") {
		if !strings.Contains(text, ">"+want+"<") {
			t.Errorf("the SVG lacks %q", want)
		}
	}
	if text := svg(t, matrix(2, 5)); !strings.Contains(text, ">0<") || !strings.Contains(text, ">4<") || strings.Contains(text, "rotate(90)</text>") {
		t.Error("classes without names have no numbers")
	}
	if n := strings.Count(svg(t, matrix(26, 5, fashion...)), ">Trouser<"); n != 4 {
		t.Errorf("of many classes a name is there %d times, want once on each side", n)
	}
}

// A matrix of any size has names of at least 5 points, counts only where they are legible, and a bounded size. The bound keeps a PNG below 100 MB in memory.
func TestMatricesOfManyClassesAreLegible(t *testing.T) {
	for _, c := range []struct {
		classes, images int
		counts          bool
	}{{1, 9, true}, {2, 10000, true}, {10, 1000, true}, {26, 800, true}, {47, 400, true}, {62, 400, true}, {62, 5000, false}, {256, 40, false}} {
		m := matrix(c.classes, c.images)
		l := m.layout()
		if size := l.nameStyle.Font.Size.Points(); size < 5 || size > l.cell.Points() {
			t.Errorf("%d classes: names of %v points in cells of %v", c.classes, size, l.cell)
		}
		if c.counts != (l.count >= smallCount) || !c.counts && l.count != 0 {
			t.Errorf("%d classes of %d images: counts of %v points", c.classes, c.images, l.count)
		}
		if text := svg(t, m); c.counts != strings.Contains(text, "cells: images") || c.counts == strings.Contains(text, "share of its images") {
			t.Errorf("%d classes of %d images: what cells show is not said", c.classes, c.images)
		}
		if w, h := m.size(); max(w, h) > 66*vg.Centimeter || w < style(13, nil).Width(m.Title) {
			t.Errorf("%d classes: a size of %v x %v", c.classes, w, h)
		}
	}
	long := make([]string, 256)
	for i := range long {
		long[i] = strings.Repeat("a very long name ", 12) + fmt.Sprint(i)
	}
	m := matrix(256, 40, long...)
	if w, h := m.size(); max(w, h) > 66*vg.Centimeter {
		t.Errorf("with long names a size of %v x %v", w, h)
	}
	short := m.layout().names
	slices.Sort(short)
	if n := len(slices.Compact(short)); n != 256 {
		t.Errorf("%d of 256 names are left after they are shortened", n)
	}
	decoded(t, m)
}

// What the font lacks, breaks lines, means something in SVG or runs from right to left is no reason for a figure to fail.
func TestAnyNameCanBeDrawn(t *testing.T) {
	names := []string{"猫", "Ψυχή", "Привет", "<b>&</b>", "e\u0301te\u0301", "שלום", "😀", "two\nlines\x00\x1b[31m", " ", "\xff\xfe", "Äpfel", "नमस्ते", "#000000"}
	figures := []Figure{matrix(len(names), 20, names...), &Digits{Columns: 3, Classes: names}}
	for i := range names {
		g := figures[1].(*Digits)
		g.Digits = append(g.Digits, Digit{Rows: 3, Cols: 5, Pixels: make([]uint8, 15), True: i, Predicted: (i + 1) % len(names), Probability: 1})
	}
	for _, f := range figures {
		decoded(t, f)
		text := svg(t, f)
		for _, want := range []string{"猫", "Ψυχή", "Привет", "&lt;b&gt;&amp;&lt;/b&gt;", "two lines", "8<", "#000000<"} {
			if !strings.Contains(text, want) {
				t.Errorf("%T: the SVG lacks %q", f, want)
			}
		}
		if strings.ContainsAny(text, "\x00\x1b") || strings.Contains(text, "<b>") {
			t.Errorf("%T: the SVG has control characters or elements of a name", f)
		}
	}
	if got := numbered(names); !slices.Equal(got[:7], []string{"0", "Ψυχή", "Привет", "<b>&</b>", "e\u0301te\u0301", "5", "6"}) || got[11] != "11" {
		t.Errorf("in PNG the names are %q", got)
	}
}

func TestLongNamesKeepBothEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		room int
		want string
	}{
		{"Ankle boot", 10, "Ankle boot"}, {"Ankle boot", 7, "Ank…oot"}, {"Ankle boot", 2, "A…"}, {"Ankle boot", 0, "…"}, {"a\tb", 9, "a b"}, {"", 3, ""}, {"e\u0301e\u0301e\u0301", 5, "e\u0301…e\u0301"},
	} {
		if got := Shorten(c.name, func(s string) bool { return len([]rune(s)) <= c.room }); got != c.want {
			t.Errorf("%q in %d letters is %q, want %q", c.name, c.room, got, c.want)
		}
	}
}

func TestCaptionsOfNamesHaveRoom(t *testing.T) {
	digit := Digit{Rows: 28, Cols: 28, Pixels: make([]uint8, 28*28), True: 0, Predicted: 1, Probability: 0.975}
	for _, c := range []struct {
		names []string
		want  []string
	}{
		{nil, []string{"true 0", "wrong: 1, 97.5 %"}},
		{[]string{"Ankle boot", "T-shirt/top"}, []string{"true Ankle boot", "wrong: T-shirt/top", "97.5 %"}},
	} {
		g := &Digits{Title: "Mistakes", Columns: 2, Classes: c.names, Digits: []Digit{digit, digit}}
		if got, _ := g.captions(); !slices.Equal(got[1], c.want) {
			t.Errorf("captions %q, want %q", got[1], c.want)
		}
	}
	g := &Digits{Columns: 2, Classes: []string{strings.Repeat("long ", 40), strings.Repeat("gnol ", 40)}, Digits: []Digit{digit, digit}}
	lines, widest := g.captions()
	if _, column, _, w, _ := g.layout(); widest > column || w > 12*vg.Centimeter || !strings.Contains(lines[0][1], "…") {
		t.Errorf("lines %q of %v in columns of %v", lines[0], widest, column)
	}
}
