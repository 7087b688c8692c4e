package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"lenet/dataset"
)

// A bar shows how far a run is, on standard error: epoch, mean loss and accuracy until now, images a second, time left. A nil
// bar shows nothing.
type bar struct {
	epochs int
	*progressbar.ProgressBar
}

// newBar returns a bar, or nil where it is not wanted or standard error is no terminal.
func newBar(epochs int, unwanted bool) *bar {
	if !showsBars(unwanted) {
		return nil
	}
	return &bar{epochs: epochs}
}

func showsBars(unwanted bool) bool { return !unwanted && term.IsTerminal(int(os.Stderr.Fd())) }

// newProgressBar returns a bar of n steps, or of an unknown number if n is -1, on standard error.
func newProgressBar(n int64, throttle time.Duration, options ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(n, append(options,
		progressbar.OptionSetWriter(fitting{os.Stderr}),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(throttle),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.ThemeASCII))...)
}

// newCountingBar returns a bar of n things, with how many of them there are a second and the time left.
func newCountingBar(n int, things string, throttle time.Duration) *progressbar.ProgressBar {
	return newProgressBar(int64(n), throttle,
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(things), progressbar.OptionSetPredictTime(true))
}

func (b *bar) update(epoch, images, of int, loss, accuracy float64) {
	if b == nil {
		return
	}
	if b.ProgressBar == nil {
		b.ProgressBar = newCountingBar(b.epochs*of, "images", 100*time.Millisecond)
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

// downloadProgress returns what shows how much of a download has come, on standard error, where that is a terminal.
func downloadProgress() dataset.Progress {
	if !showsBars(false) {
		return nil
	}
	var lock sync.Mutex
	var shown *progressbar.ProgressBar
	return func(done, total int64) {
		lock.Lock()
		defer lock.Unlock()
		if total == 0 {
			if shown != nil {
				_ = shown.Clear()
			}
			shown = nil
			return
		}
		if shown == nil {
			shown = newProgressBar(total, 100*time.Millisecond, progressbar.OptionShowBytes(true))
		}
		if total > 0 && total != shown.GetMax64() {
			shown.ChangeMax64(total)
		}
		_ = shown.Set64(done) // fails only where standard error does
	}
}
