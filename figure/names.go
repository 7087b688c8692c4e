package figure

import (
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Shorten returns a class's name on one line: whole if it fits, and with an ellipsis in its middle if not, since names may differ only at their ends.
func Shorten(name string, fits func(string) bool) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name)
	if fits(name) {
		return name
	}
	var letters []string
	for g := uniseg.NewGraphemes(name); g.Next(); {
		letters = append(letters, g.Str())
	}
	without := func(n int) string { // n letters
		kept := len(letters) - n
		return strings.Join(letters[:kept-kept/2], "") + "…" + strings.Join(letters[len(letters)-kept/2:], "")
	}
	return without(min(len(letters), 1+sort.Search(len(letters), func(n int) bool { return fits(without(n + 1)) })))
}

// shortened returns names that are at most so wide, and the width of the widest.
func shortened(names []string, s text.Style, limit vg.Length) (short []string, widest vg.Length) {
	for _, name := range names {
		name = Shorten(name, func(name string) bool { return width(name, s) <= limit })
		short, widest = append(short, name), max(widest, width(name, s))
	}
	return short, widest
}

// width returns a text's width. A letter that the font lacks, which a browser takes from another, is taken to be as wide as it is high.
func width(name string, s text.Style) vg.Length {
	known := strings.Map(func(r rune) rune {
		if !has(r) {
			return -1
		}
		return r
	}, name)
	return s.Width(known) + s.Font.Size*vg.Length(len([]rune(name))-len([]rune(known)))
}

var face = sync.OnceValue(func() *sfnt.Font { return font.DefaultCache.Lookup(style(10, nil).Font, 10).Face })

// has reports whether the font has a letter, and text of it can be drawn from left to right.
func has(r rune) bool {
	var b sfnt.Buffer
	glyph, err := face().GlyphIndex(&b, r)
	return err == nil && glyph != 0 && !unicode.In(r, unicode.Hebrew, unicode.Arabic)
}

// numbered returns names with the class's number in place of each that the font cannot write.
func numbered(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = name
		if strings.ContainsFunc(name, func(r rune) bool { return !has(r) && !unicode.IsControl(r) }) {
			all[i] = strconv.Itoa(i)
		}
	}
	return all
}

// nameOf returns the name of a class, which is its number where it has no other.
func nameOf(classes []string, i int) string {
	if i < len(classes) && strings.TrimSpace(classes[i]) != "" {
		return classes[i]
	}
	return strconv.Itoa(i)
}
