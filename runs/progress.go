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

// ProgressAfter returns the whole lines of a run's progress after an offset in the file, and the offset after them, for who follows a run. A file
// that has become shorter is another one, and is read from its beginning.
func (d Dir) ProgressAfter(offset int64) (lines []metrics.Progress, end int64, err error) {
	file, err := os.Open(d.file(progressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, offset, fmt.Errorf("runs: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, offset, fmt.Errorf("runs: %w", err)
	}
	if info.Size() < offset {
		offset = 0
	}
	text, err := io.ReadAll(io.NewSectionReader(file, offset, info.Size()-offset))
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

// KeepProgress leaves the lines of a run's first epochs, and removes the rest.
func (d Dir) KeepProgress(epochs int) error {
	lines, _, err := d.Progress()
	if err != nil {
		return err
	}
	lines = slices.DeleteFunc(lines, func(p metrics.Progress) bool { return p.Epoch > epochs })
	if len(lines) == 0 {
		return remove(string(d), progressFile)
	}
	return writeLines(d.file(progressFile), lines)
}

// AppendProgress opens a run's progress to append lines to.
func (d Dir) AppendProgress() (*os.File, error) {
	file, err := os.OpenFile(d.file(progressFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, &WriteError{d.file(progressFile), err}
	}
	return file, nil
}
