package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/figure"
	"lenet/metrics"
)

// tested is a set of ten images of each class, and the result of a network that takes one of each for the next class.
func tested(t *testing.T, names []string) (*dataset.Set, *metrics.Result) {
	t.Helper()
	set := &dataset.Set{Rows: 4, Cols: 4, Classes: len(names), Names: names}
	var probabilities [][]float64
	for c := range names {
		for i := range 10 {
			p := make([]float64, len(names))
			p[(c+i/9)%len(names)] = 1
			probabilities, set.Labels, set.Images = append(probabilities, p), append(set.Labels, uint8(c)), append(set.Images, make([]uint8, 16)...)
		}
	}
	r, err := metrics.Of(probabilities, set.Labels, names)
	if err != nil {
		t.Fatal(err)
	}
	return set, r
}

func classNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("class <%d>", i))
	}
	return names
}

func TestTheDataAndItsClassesAreDescribed(t *testing.T) {
	letters := strings.Split("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt", "")
	for _, c := range []struct {
		names []string
		want  string
	}{
		{dataset.Numbers(10), "10 classes, 0 to 9."},
		{dataset.Numbers(27)[1:], "26 classes, 1 to 26."},
		{[]string{"20240101", "20240103"}, "2 classes: 20240101, 20240103."},
		{[]string{"cat", "dog"}, "2 classes: cat, dog."},
		{letters, "47 classes: " + strings.Join(letters, ", ") + "."},
		{classNames(256), " and 238 more."},
	} {
		set, _ := tested(t, c.names)
		text := dataText(&dataset.Data{Name: "Own", Train: set, Test: set}, c.names)
		if want := fmt.Sprintf("Own: %d training and %[1]d test images of 4x4 pixels in ", 10*len(c.names)); !strings.HasPrefix(text, want) || !strings.HasSuffix(text, c.want) || len(text) > 300 {
			t.Errorf("%q, want %q … %q", text, want, c.want)
		}
	}
}

// A matrix that is too large for half of the page takes all of it, and the most frequent confusions stand before it.
func TestLargeMatricesHaveThePagesWidth(t *testing.T) {
	for classes, wide := range map[int]bool{2: false, 10: false, 26: true, 47: true, 62: true, 256: true} {
		set, r := tested(t, classNames(classes))
		all, err := pictures(&figure.Digits{Columns: 3}, r, set)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(p picture) bool { return strings.Contains(string(p.SVG), "Confusion matrix") })
		if wide != (all[i].Width > 0) || wide != (all[i-1].Table != nil) {
			t.Errorf("%d classes: a matrix of %d pixels after %+v", classes, all[i].Width, all[i-1].Table)
		}
		var page bytes.Buffer
		if err := pageOf(&page, section{Title: "Own", Pictures: all, Details: []table{classTable(r)}}); err != nil {
			t.Fatal(err)
		}
		html := page.String()
		if strings.Contains(html, "class <") || !strings.Contains(html, "<td>class &lt;1&gt;</td>") {
			t.Errorf("%d classes: names are elements of the page, or not there", classes)
		}
		if want := "<td>class &lt;0&gt;</td><td>class &lt;1&gt;</td><td>1</td><td>10.0 %</td>"; wide != strings.Contains(html, want) {
			t.Errorf("%d classes: a table of confusions: %v", classes, !wide)
		}
		before, _, _ := strings.Cut(html, "Confusion matrix")
		if wide != strings.HasPrefix(before[strings.LastIndex(before, "<figure"):], `<figure class="wide"`) {
			t.Errorf("%d classes: the picture takes all of the page: %v", classes, !wide)
		}
	}
}

func pageOf(b *bytes.Buffer, s section) error {
	return page.Execute(b, content{Title: s.Title, Sections: []section{s}})
}

func TestAClassWithoutImagesHasNoRecall(t *testing.T) {
	r, err := metrics.Of([][]float64{{1, 0}}, []uint8{0}, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	if got := classTable(r).Rows[1]; !slices.Equal(got, []string{"b", "0", "–", "–", "–"}) {
		t.Errorf("%q", got)
	}
}

// A sweep is headed by its data, and one on own data never has the original's figures.
func TestASweepNamesItsData(t *testing.T) {
	s := swept(false, 0.7, 0.6)
	for _, c := range []struct {
		source   dataset.Source
		want     string
		original bool
	}{
		{dataset.Source{Dataset: "mnist"}, "MNIST: sweep of the learning rate, 10 epochs per trial", true},
		{dataset.Source{Dataset: "fashion-mnist"}, "Fashion-MNIST: sweep of the learning rate, 10 epochs per trial", false},
		{dataset.Source{Dataset: "mnist", Files: dataset.Files{Dir: "/data/letters/"}}, "letters: sweep of the learning rate, 10 epochs per trial", false},
		{dataset.Source{Dataset: "mnist", Files: dataset.Files{Dir: "/data/MNIST/raw"}}, "MNIST: sweep of the learning rate, 10 epochs per trial", false},
	} {
		s.Options.Source = c.source
		s.config.Options = s.Options
		section, err := sweepSection([]*sweep{s}, true)
		if err != nil {
			t.Fatal(err)
		}
		if original := strings.Contains(strings.Join(section.Texts, ""), "The original"); section.Title != c.want || original != c.original {
			t.Errorf("%q, want %q; the original's figures: %v", section.Title, c.want, original)
		}
		named := slices.ContainsFunc(section.Settings, func(s [2]string) bool { return s[0] == "dataset" })
		if named != (c.source.Dir == "") {
			t.Errorf("%q: the settings %q name a data set of the catalogue: %v", c.want, section.Settings, named)
		}
	}
}
