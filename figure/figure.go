// Package figure draws plots, matrices and grids of digits as PNG and SVG.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/renameio/v2"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Figure is a picture of any of this package's kinds.
type Figure interface {
	size() (w, h vg.Length)
	draw(draw.Canvas) error
}

// dotsPerInch makes a PNG's text legible at twice the size that it is shown in.
const dotsPerInch = 192

// PNG returns the figure on white. A class whose name has letters that the font lacks, such as Chinese ones, has its number instead; in SVG it keeps its
// name, since a browser has other fonts.
func PNG(f Figure) ([]byte, error) {
	if named, ok := f.(interface{ inFont() Figure }); ok {
		f = named.inFont()
	}
	w, h := f.size()
	canvas := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(dotsPerInch), vgimg.UseBackgroundColor(color.White))
	if err := f.draw(draw.New(canvas)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	return b.Bytes(), nil
}

// SVG returns the figure as an SVG element whose text and axes have the colour of the text around it.
func SVG(f Figure) (string, error) {
	canvas := vgsvg.New(f.size())
	if err := f.draw(draw.New(canvas)); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("figure: %w", err)
	}
	_, rest, _ := strings.Cut(b.String(), "<svg")
	// Black is SVG's own choice, and so is left out of text and areas.
	return `<svg fill="currentColor"` + asAttributes(strings.ReplaceAll(rest, "stroke:#000000", "stroke:currentColor")), nil
}

var styleAttribute = regexp.MustCompile(`style="([^"]*)"`)

// asAttributes returns SVG with an attribute for each property of its style attributes, which a page's content security policy may forbid.
func asAttributes(svg string) string {
	return styleAttribute.ReplaceAllStringFunc(svg, func(style string) string {
		var all []string
		for property := range strings.SplitSeq(styleAttribute.FindStringSubmatch(style)[1], ";") {
			if name, value, ok := strings.Cut(property, ":"); ok {
				all = append(all, fmt.Sprintf(`%s="%s"`, name, value))
			}
		}
		return strings.Join(all, " ")
	})
}

// Width returns how wide a figure is at its natural size, in CSS pixels.
func Width(f Figure) int {
	w, _ := f.size()
	return int(math.Ceil(w.Points() / 72 * 96))
}

// Save writes the figure to path.png and path.svg, in a folder that it makes.
func Save(path string, f Figure) error {
	png, err := PNG(f)
	if err != nil {
		return err
	}
	svg, err := SVG(f)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	for ending, content := range map[string][]byte{".png": png, ".svg": []byte(svg)} {
		if err := renameio.WriteFile(path+ending, content, 0o666); err != nil {
			return fmt.Errorf("figure: writing %s%s: %w", path, ending, err)
		}
	}
	return nil
}

const sans = "Sans"

// style returns a way to write centred text.
func style(size float64, c color.Color) text.Style {
	return text.Style{
		Color: c, Font: font.From(font.Font{Typeface: "Liberation", Variant: sans}, vg.Length(size)),
		XAlign: draw.XCenter, YAlign: draw.YCenter, Handler: text.Plain{Fonts: font.DefaultCache},
	}
}
