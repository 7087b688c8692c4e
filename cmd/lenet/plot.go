package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/guptarohit/asciigraph"
	"golang.org/x/term"

	"lenet/metrics"
)

// A plot draws loss and accuracy by epoch with characters. On a terminal it stays below the line where the cursor is, which is the bar's.
type plot struct {
	out    *os.File
	below  bool // it is drawn again and again, below a bar
	epochs []metrics.Epoch
	lines  int // that are on the screen below the cursor
}

// add draws the plot again, with another epoch.
func (p *plot) add(e metrics.Epoch) {
	p.epochs = append(p.epochs, e)
	if p.below {
		text := p.String()
		lines := strings.Count(text, "\n") + 1
		if _, rows, err := term.GetSize(int(p.out.Fd())); text == "" || err == nil && rows <= lines {
			return // there is no room: it would scroll the bar away
		}
		p.lines = lines
		fmt.Fprintf(p.out, "\n%s\x1b[%dA\r", text, p.lines) // and up again
	}
}

// clear takes the plot off the screen.
func (p *plot) clear() {
	if p.lines > 0 {
		fmt.Fprint(p.out, "\x1b[J") // all below the cursor
		p.lines = 0
	}
}

// The size of each of the two charts, in characters, and what there is beside it: the numbers of its axis.
const (
	plotWidth    = 60
	plotNarrow   = 16 // below this it shows nothing
	plotHeight   = 8
	plotAxis     = 9
	plotCaptions = 45 // the longest, about
)

// String returns both charts, one below the other. It is empty where there are fewer than two epochs, or no room.
func (p *plot) String() string {
	width := plotWidth
	columns, terminal := columnsOf(p.out)
	if terminal {
		width = min(width, columns-1-plotAxis)
	}
	if width < plotNarrow {
		return ""
	}
	var loss, trained, tested []float64
	for i := range p.epochs {
		e := &p.epochs[i]
		loss = append(loss, e.Of(metrics.Train, metrics.Loss))
		trained = append(trained, e.Of(metrics.Train, metrics.Accuracy))
		tested = append(tested, e.Of(metrics.Test, metrics.Accuracy))
	}
	if len(loss) < 2 {
		return ""
	}
	options := func(caption string) []asciigraph.Option {
		return []asciigraph.Option{asciigraph.Width(width), asciigraph.Height(plotHeight), asciigraph.Precision(3), asciigraph.Caption(caption)}
	}
	epochs := fmt.Sprintf(", epochs 1 to %d", len(loss))
	if width < plotCaptions {
		epochs = ""
	}
	accuracy := options("accuracy" + epochs + ": training, test")
	if terminal {
		accuracy = append(accuracy, asciigraph.SeriesColors(asciigraph.Blue, asciigraph.Yellow))
	}
	return asciigraph.Plot(loss, options("training loss"+epochs)...) + "\n" + asciigraph.PlotMany([][]float64{trained, tested}, accuracy...)
}
