// Package figure draws what runs and sweeps yield: plots as PNG and SVG, and grids of digits.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours of series, in their order: apart for every kind of sight, and legible on white and on near-black (Okabe, Ito 2008).
var palette = []color.RGBA{{0x00, 0x82, 0xc8, 0xff}, {0xd5, 0x6e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff}}

// grid is the colour of the lines behind a plot, half transparent for the same reason.
var grid = color.NRGBA{0x80, 0x80, 0x80, 0x48}

// Series are the points of a line. Y may have fewer values than the plot has places.
type Series struct {
	Name   string
	X, Y   []float64
	Dashed bool
}

// Lines is a plot of series over numbers, or over names.
type Lines struct {
	Title, XLabel, YLabel string   // labels with units
	Names                 []string // of the places 0, 1, …; none: X is a number
	Series                []Series
	YMin, YMax            float64 // both 0: as the series are
}

// The size of a plot.
const (
	width  = 15 * vg.Centimeter
	height = 9 * vg.Centimeter
)

func (l *Lines) plot() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = l.Title, l.XLabel, l.YLabel
	p.Title.TextStyle.Font.Size, p.Title.Padding = 13, 6
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size, axis.Tick.Label.Font.Size = 11, 10
		axis.Label.Padding = 4
	}
	lines := plotter.NewGrid()
	lines.Horizontal.Color, lines.Vertical.Color = grid, grid
	p.Add(lines)
	p.Legend.Top, p.Legend.TextStyle.Font.Size = false, 10
	p.Legend.Padding, p.Legend.YOffs, p.Legend.XOffs = 2, 4, -4
	for i, s := range l.Series {
		points := make(plotter.XYs, len(s.Y))
		for j := range points {
			points[j].X, points[j].Y = float64(j), s.Y[j]
			if s.X != nil {
				points[j].X = s.X[j]
			}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("figure: %s: %w", s.Name, err)
		}
		line.Color, line.Width = palette[i%len(palette)], vg.Points(1.6)
		dots.Color, dots.Shape, dots.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2.2)
		if s.Dashed {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(line, dots)
		if len(l.Series) > 1 {
			p.Legend.Add(s.Name, line, dots)
		}
	}
	if l.Names != nil {
		p.NominalX(l.Names...)
		p.X.Padding = 0
		p.X.Min, p.X.Max = -0.3, float64(len(l.Names))-0.7
	}
	if l.YMin != l.YMax {
		p.Y.Min, p.Y.Max = l.YMin, l.YMax
	}
	return p, nil
}

// SVG returns the plot as an SVG element whose text and axes have the colour of the text around it.
func (l *Lines) SVG() (string, error) {
	p, err := l.plot()
	if err != nil {
		return "", err
	}
	canvas := vgsvg.New(width, height)
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("figure: %w", err)
	}
	svg := b.String()
	svg = svg[strings.Index(svg, "<svg"):]
	return strings.ReplaceAll(svg, "#000000", "currentColor"), nil
}

// Save writes the plot to path.png and path.svg, on white.
func (l *Lines) Save(path string) error {
	for _, format := range []string{"png", "svg"} {
		p, err := l.plot()
		if err != nil {
			return err
		}
		p.BackgroundColor = color.White
		picture, err := p.WriterTo(width, height, format)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		var b bytes.Buffer
		if _, err := picture.WriteTo(&b); err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		if err := write(path+"."+format, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// write replaces a file, whose folder it makes.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	if err := renameio.WriteFile(path, content, 0o666); err != nil {
		return fmt.Errorf("figure: writing %s: %w", path, err)
	}
	return nil
}
