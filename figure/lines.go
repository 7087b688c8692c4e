package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours of series, in their order: distinguishable with any colour vision (Okabe, Ito 2008), and legible on white and near-black.
var palette = []color.RGBA{{0x00, 0x82, 0xc8, 0xff}, {0xd5, 0x6e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff}}

// grid is the colour of the lines behind a plot. It is half transparent, so that it suits white and near-black.
var grid = color.NRGBA{0x80, 0x80, 0x80, 0x48}

// Series are the points of a line. Y may have fewer values than the plot has places. Where Y is NaN there is no point, and the line has a gap.
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
	FromZero              bool    // the y axis begins at 0
	Logarithmic           bool    // the x axis may be logarithmic, and is where its numbers span decades
}

// Place returns the x of the i-th value.
func (l *Lines) Place(i int, value string) float64 {
	if l.Names != nil {
		return float64(i)
	}
	x, _ := strconv.ParseFloat(value, 64)
	return x
}

// Fit sets the range of y, which is a share from 0 to 1, with some room above and below the points.
func (l *Lines) Fit() {
	low, high := 1.0, 0.0
	for _, s := range l.Series {
		for _, piece := range s.pieces() {
			for _, p := range piece {
				low, high = math.Min(low, p.Y), math.Max(high, p.Y)
			}
		}
	}
	room := math.Max(0.002, (high-low)/15)
	l.YMin, l.YMax = math.Max(0, low-room), math.Min(1+room/4, high+room)
}

// Empty reports whether the plot has no points.
func (l *Lines) Empty() bool {
	return !slices.ContainsFunc(l.Series, func(s Series) bool { return len(s.pieces()) > 0 })
}

// pieces returns the series' points, cut where it has gaps.
func (s *Series) pieces() (all []plotter.XYs) {
	gap := true
	for i, y := range s.Y {
		if math.IsNaN(y) {
			gap = true
			continue
		}
		if gap {
			all = append(all, nil)
		}
		gap = false
		x := float64(i)
		if s.X != nil {
			x = s.X[i]
		}
		last := &all[len(all)-1]
		*last = append(*last, plotter.XY{X: x, Y: y})
	}
	return all
}

func (l *Lines) plot() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	for _, style := range []*draw.TextStyle{&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Variant = sans
	}
	p.X.Label.Text, p.Y.Label.Text = l.XLabel, l.YLabel
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size, axis.Tick.Label.Font.Size = 11, 10
		axis.Label.Padding = 4
	}
	lines := plotter.NewGrid()
	lines.Horizontal.Color, lines.Vertical.Color = grid, grid
	p.Add(lines)
	for i, s := range l.Series {
		for _, piece := range s.pieces() {
			line, dots, err := plotter.NewLinePoints(piece)
			if err != nil {
				return nil, fmt.Errorf("figure: %s: %w", s.Name, err)
			}
			line.LineStyle = l.stroke(i)
			dots.Color, dots.Shape, dots.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2.2)
			p.Add(line, dots)
		}
	}
	if l.Names != nil {
		p.NominalX(l.Names...)
		p.X.Padding = 0
		p.X.Min, p.X.Max = -0.3, float64(len(l.Names))-0.7
	}
	ticks := l.ticks()
	if l.spansDecades() {
		p.X.Scale = plot.LogScale{}
		p.X.Tick.Marker = plot.LogTicks{Prec: -1}
	}
	if ticks != nil {
		p.X.Tick.Marker = ticks
	}
	if l.YMin != l.YMax {
		p.Y.Min, p.Y.Max = l.YMin, l.YMax
	}
	if l.FromZero {
		p.Y.Min, p.Y.Max = 0, p.Y.Max*1.1
	}
	return p, nil
}

func (l *Lines) size() (w, h vg.Length) { return 15 * vg.Centimeter, 9 * vg.Centimeter }

// maxTicks is how many numbers have room on the x axis.
const maxTicks = 12

// ticks returns the numbers of the x axis where all of them have room, and nil otherwise.
func (l *Lines) ticks() plot.ConstantTicks {
	values := map[float64]bool{}
	for _, s := range l.Series {
		for _, x := range s.X {
			values[x] = true
		}
	}
	if l.Names != nil || len(values) > maxTicks {
		return nil
	}
	var ticks plot.ConstantTicks
	for x := range values {
		ticks = append(ticks, plot.Tick{Value: x, Label: strconv.FormatFloat(x, 'g', 6, 64)})
	}
	return ticks
}

// decades is the ratio of an axis's ends from which on it is logarithmic.
const decades = 30

// spansDecades reports whether a logarithmic x axis separates its numbers better.
func (l *Lines) spansDecades() bool {
	low, high := math.Inf(1), 0.0
	for _, s := range l.Series {
		for _, x := range s.X {
			low, high = math.Min(low, x), math.Max(high, x)
		}
	}
	return l.Logarithmic && low > 0 && high/low >= decades
}

// stroke returns the line of the i-th series.
func (l *Lines) stroke(i int) draw.LineStyle {
	s := draw.LineStyle{Color: palette[i%len(palette)], Width: vg.Points(1.6)}
	if l.Series[i].Dashed {
		s.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	return s
}

// The heights of the title and of the legend, which is a row below it; and the room that an axis's last
// number and its label need.
const (
	titleHeight  = 0.8 * vg.Centimeter
	legendHeight = 0.6 * vg.Centimeter
	overhang     = 0.5 * vg.Centimeter
	inset        = 0.1 * vg.Centimeter
)

func (l *Lines) draw(c draw.Canvas) error {
	p, err := l.plot()
	if err != nil {
		return err
	}
	middle := (c.Min.X + c.Max.X) / 2
	c.FillText(style(13, color.Black), vg.Point{X: middle, Y: c.Max.Y - titleHeight/2}, l.Title)
	top := titleHeight
	if len(l.Series) > 1 {
		l.drawLegend(c, vg.Point{X: middle, Y: c.Max.Y - titleHeight - legendHeight/2})
		top += legendHeight
	}
	p.Draw(draw.Crop(c, inset, -overhang, 0, -top))
	return nil
}

// drawLegend draws the series' names in a row, each after a piece of its line.
func (l *Lines) drawLegend(c draw.Canvas, middle vg.Point) {
	const sample, space = 18, 14 // points
	names := style(10, color.Black)
	names.XAlign = draw.XLeft
	width := vg.Length(0)
	for _, s := range l.Series {
		width += sample + 4 + names.Width(s.Name) + space
	}
	x := middle.X - (width-space)/2
	for i, s := range l.Series {
		c.StrokeLine2(l.stroke(i), x, middle.Y, x+sample, middle.Y)
		c.FillText(names, vg.Point{X: x + sample + 4, Y: middle.Y}, s.Name)
		x += sample + 4 + names.Width(s.Name) + space
	}
}
