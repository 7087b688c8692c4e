package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A bar shows how far a run is, on standard error: epoch, mean loss and accuracy until now, images a second, time left. A nil
// bar shows nothing.
type bar struct {
	epochs int
	*progressbar.ProgressBar
}

// newBar returns a bar, or nil where it is not wanted or standard error is no terminal.
func newBar(epochs int, unwanted bool) *bar {
	if unwanted || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return &bar{epochs: epochs}
}

func (b *bar) update(epoch, images, of int, loss, accuracy float64) {
	if b == nil {
		return
	}
	if b.ProgressBar == nil {
		b.ProgressBar = progressbar.NewOptions(b.epochs*of,
			progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionSetWidth(24),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("images"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetTheme(progressbar.ThemeASCII))
	}
	b.Describe(fmt.Sprintf("epoch %d/%d, loss %.4f, acc %.3f", epoch, b.epochs, loss, accuracy))
	_ = b.Set((epoch-1)*of + images) // fails only where standard error does
}

// clear takes the bar off the screen, until the next update.
func (b *bar) clear() {
	if b != nil && b.ProgressBar != nil {
		_ = b.Clear()
	}
}
