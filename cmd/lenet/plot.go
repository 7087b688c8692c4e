package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/guptarohit/asciigraph"
	"golang.org/x/term"

	"lenet/metrics"
)

// A plot draws loss and accuracy by epoch with characters. On a terminal it stays below the line where the cursor is, which is the bar's.
type plot struct {
	out      io.Writer
	terminal bool
	epochs   []metrics.Epoch
	lines    int // that are on the screen below the cursor
}

// add draws the plot again, with another epoch.
func (p *plot) add(e metrics.Epoch) {
	p.epochs = append(p.epochs, e)
	if p.terminal {
		text := p.String()
		lines := strings.Count(text, "\n") + 1
		if _, rows, err := term.GetSize(int(os.Stderr.Fd())); err == nil && rows <= lines {
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

// The size of each of the two charts, in characters.
const (
	plotWidth  = 60
	plotHeight = 8
)

// String returns both charts, one below the other.
func (p *plot) String() string {
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
		return []asciigraph.Option{asciigraph.Width(plotWidth), asciigraph.Height(plotHeight), asciigraph.Precision(3), asciigraph.Caption(caption)}
	}
	epochs := fmt.Sprintf("epochs 1 to %d", len(loss))
	accuracy := options("accuracy, " + epochs + ": training, test")
	if p.terminal {
		accuracy = append(accuracy, asciigraph.SeriesColors(asciigraph.Blue, asciigraph.Yellow))
	}
	return asciigraph.Plot(loss, options("training loss, "+epochs)...) + "\n" + asciigraph.PlotMany([][]float64{trained, tested}, accuracy...)
}
