package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"lenet/metrics"
)

// Progress returns what a run has said of itself within its epochs, line by line; none where it has said nothing. The cut is nil where the file is whole.
func (d Dir) Progress() ([]metrics.Progress, *Cut, error) {
	return readLines[metrics.Progress](d.file(progressFile))
}

// ProgressAfter returns the whole lines of a run's progress after an offset in the file, and the offset after them, for who follows a run. The file of
// a run that went on after a kill is another one: where it is shorter than the offset, or no line ends there, it is read from its beginning.
func (d Dir) ProgressAfter(offset int64) (lines []metrics.Progress, end int64, err error) {
	text, err := d.progressAfter(max(0, offset-1)) // with the end of the line before
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if offset > 0 && err == nil {
		if len(text) > 0 && text[0] == '\n' {
			text = text[1:]
		} else {
			offset = 0
			text, err = d.progressAfter(0)
		}
	}
	if err != nil {
		return nil, offset, fmt.Errorf("runs: %w", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range bytes.Lines(text) {
		var p metrics.Progress
		if json.Unmarshal(line, &p) == nil {
			lines = append(lines, p)
		}
	}
	return lines, offset + int64(len(text)), nil
}

// progressAfter returns what a run's progress holds after an offset: nothing where that is behind its end.
func (d Dir) progressAfter(offset int64) ([]byte, error) {
	file, err := os.Open(d.file(progressFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

// KeepProgress leaves the lines of a run's first epochs, and removes the rest. It returns the last line that it leaves, or zero.
func (d Dir) KeepProgress(epochs int) (last metrics.Progress, err error) {
	lines, _, err := d.Progress()
	if err != nil {
		return last, err
	}
	lines = slices.DeleteFunc(lines, func(p metrics.Progress) bool { return p.Epoch > epochs })
	if len(lines) == 0 {
		return last, remove(string(d), progressFile)
	}
	return lines[len(lines)-1], writeLines(d.file(progressFile), lines)
}

// AppendProgress appends a line to a run's progress. No file stays open: one would keep a disk from being made read-only.
func (d Dir) AppendProgress(p metrics.Progress) error { return appendLine(d.file(progressFile), p) }
