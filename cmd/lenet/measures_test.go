package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"lenet/metrics"
)

// confused is the result of classes of ten images, of each of which one is taken for the next class.
func confused(t *testing.T, names ...string) *metrics.Result {
	t.Helper()
	var probabilities [][]float64
	var labels []uint8
	for c := range names {
		for i := range 10 {
			p := make([]float64, len(names))
			p[(c+i/9)%len(names)] = 1
			probabilities, labels = append(probabilities, p), append(labels, uint8(c))
		}
	}
	r, err := metrics.Of(probabilities, labels, names)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func numbered(name string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", name, i))
	}
	return names
}

// The matrix is there where it fits, and the most frequent confusions where it does not. 10 classes with short names need 55 columns, 26 need 135.
func TestMeasuresFitTheTerminal(t *testing.T) {
	for _, c := range []struct {
		names  []string
		width  int
		matrix bool
	}{
		{numbered("", 2), 80, true}, {numbered("", 10), 80, true}, {numbered("abc", 10), 80, true}, {numbered("", 10), 40, false},
		{numbered("Ankle boot ", 10), 80, false}, {numbered("Ankle boot ", 10), 150, true}, {numbered("", 26), 80, false}, {numbered("", 26), 140, true},
		{numbered("", 47), 80, false}, {numbered("", 62), 120, false}, {numbered("class ", 256), 80, false}, {numbered(strings.Repeat("long ", 30), 256), 80, false},
		{[]string{"猫", "犬", "Äpfel", "e\u0301te\u0301", "\x1b[31mred", "two\nlines"}, 80, true},
	} {
		text := measures(confused(t, c.names...), c.width)
		if matrix := strings.Contains(text, "rows: true class; columns: predicted class\n"); matrix != c.matrix || matrix == strings.Contains(text, "the picture confusion") {
			t.Errorf("%d classes such as %q, %d columns: a matrix: %v", len(c.names), c.names[0], c.width, matrix)
		}
		for line := range strings.Lines(text) {
			if n := uniseg.StringWidth(strings.TrimRight(line, "\n")); n > max(c.width, 80) {
				t.Errorf("%d classes such as %q: a line of %d columns: %s", len(c.names), c.names[0], n, line)
			}
		}
		if strings.Contains(text, "\x1b") {
			t.Errorf("a name's control characters are printed: %q", text)
		}
	}
}

func TestClassesHaveTheirNamesInTables(t *testing.T) {
	r := confused(t, "T-shirt/top", "Ankle boot", "猫")
	want := `
        class  images  precision  recall      F1
  T-shirt/top      10     0.9000  0.9000  0.9000
   Ankle boot      10     0.9000  0.9000  0.9000
           猫      10     0.9000  0.9000  0.9000

rows: true class; columns: predicted class
             T-shirt/top Ankle boot   猫
 T-shirt/top           9          1    0
  Ankle boot           0          9    1
          猫           1          0    9
`
	if _, got, _ := strings.Cut(measures(r, 80), "\n"); got != want {
		t.Errorf("it prints\n%s, want\n%s", got, want)
	}
	want = `the most frequent confusions; the whole matrix is in the picture confusion
        true → predicted   images of the true class
 T-shirt/top → Ankle boot       1            10.0 %
  Ankle boot → 猫               1            10.0 %
          猫 → T-shirt/top      1            10.0 %
`
	if got := measures(r, 20); !strings.HasSuffix(got, "\n\n"+want) {
		t.Errorf("it prints\n%s, want at its end\n%s", got, want)
	}
}

// What was not measured is a dash, and a set without mistakes has no confusions.
func TestClassesWithoutImagesHaveNoRecall(t *testing.T) {
	r, err := metrics.Of([][]float64{{1, 0}}, []uint8{0}, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(measures(r, 5), "\n")
	if got := strings.Fields(lines[4]); !slices.Equal(got, []string{"b", "0", "–", "–", "–"}) || lines[6] != "no image is taken for another class" {
		t.Errorf("%q", lines)
	}
}
