package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// terminal returns both ends of a terminal so many columns wide.
func terminal(t *testing.T, columns uint16) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(ours.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// onTerminal returns what the program writes to standard error, a terminal so many columns wide, without the escape sequences.
func onTerminal(t *testing.T, columns uint16, args ...string) string {
	t.Helper()
	ours, theirs := terminal(t, columns)
	defer ours.Close()
	cmd := command(t, args...)
	cmd.Stderr = theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	written, _ := io.ReadAll(ours) // until the other end is closed, which is an error here
	if err := cmd.Wait(); err != nil {
		t.Errorf("%q: %v: %s", args, err, written)
	}
	return regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`).ReplaceAllString(string(written), "")
}

// A line that is longer than the terminal goes on in the next one, and \r does not lead back to its beginning: each state of the bar would stay.
func TestTheBarAndThePlotFitANarrowTerminal(t *testing.T) {
	t.Parallel()
	data := smallData(t, 2000, 100)
	for _, columns := range []uint16{20, 40, 60, 100} {
		for _, args := range [][]string{
			{"train", "--data", data, "--epochs=4", "--device=cpu", "--threads=1", "--plot"},
			{"tune", "--data", data, "--validation=100", "--lr=0.1,0.2,0.3", "--epochs=2", "--device=cpu", "--threads=1"},
		} {
			text := onTerminal(t, columns, args...)
			for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
				if n := utf8.RuneCountInString(line); n > int(columns) && !onlyLearntNothing(line+"\n") { // a sentence wraps
					t.Errorf("%d columns, lenet %s: a line of %d characters: %q", columns, args[0], n, line)
					break
				}
			}
			what := map[string]string{"train": "epoch 1/4", "tune": "3 trials"}[args[0]]
			if !strings.Contains(text, what) {
				t.Errorf("%d columns, lenet %s: there is no bar: %q", columns, args[0], text)
			}
			if plotted := strings.Contains(text, "training loss"); args[0] == "train" && plotted != (columns > 20) {
				t.Errorf("%d columns: plotted: %v", columns, plotted)
			}
		}
	}
}
