package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lenet/metrics"
)

// A Cut says which lines of a file are not whole, as when a process is killed or a disk is full. The other lines are fine.
type Cut struct {
	Path  string
	Lines []int // from 1
}

func (c *Cut) String() string {
	const told = 10
	var numbers []string
	for _, line := range c.Lines[:min(len(c.Lines), told)] {
		numbers = append(numbers, fmt.Sprint("line ", line))
	}
	if more := len(c.Lines) - told; more > 0 {
		numbers = append(numbers, fmt.Sprint(more, " more"))
	}
	return fmt.Sprintf("%s: without %s, which cannot be read", c.Path, strings.Join(numbers, ", "))
}

// AppendEpoch appends an epoch to a run's measures.
func (d Dir) AppendEpoch(e metrics.Epoch) error { return appendLine(d.file(metricsFile), e) }

// Epochs returns a run's measures, epoch by epoch. The cut is nil where the file is whole.
//
// A run that was stopped in its first epoch has none.
func (d Dir) Epochs() ([]metrics.Epoch, *Cut, error) {
	return readLines[metrics.Epoch](d.file(metricsFile))
}

// AppendTrial appends a trial to a sweep's.
func (d Dir) AppendTrial(trial any) error { return appendLine(d.file(trialsFile), trial) }

// WriteEpochs writes all of a run's measures, in place of what the file holds.
func (d Dir) WriteEpochs(epochs []metrics.Epoch) error {
	return writeLines(d.file(metricsFile), epochs)
}

// RemoveEpochs removes all of a run's measures.
func (d Dir) RemoveEpochs() error { return remove(string(d), metricsFile) }

// WriteTrials writes all of a sweep's trials, in place of what the file holds.
func WriteTrials[Trial any](d Dir, trials []Trial) error {
	return writeLines(d.file(trialsFile), trials)
}

// ReadTrials returns a sweep's trials, line by line; none where the file is missing. The cut is nil where the file is whole.
func ReadTrials[Trial any](d Dir) ([]Trial, *Cut, error) {
	return readLines[Trial](d.file(trialsFile))
}

// writeLines writes a file of lines, each a value as JSON. A file that holds them already is left alone.
func writeLines[Value any](path string, values []Value) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, v := range values {
		if err := encoder.Encode(v); err != nil {
			return fmt.Errorf("runs: %w", err)
		}
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text.Bytes()) {
		return nil
	}
	return WriteFile(path, text.Bytes())
}

// appendLine appends a value, as JSON, to a file of lines.
func appendLine(path string, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err == nil {
		_, err = file.Write(append(line, '\n'))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return &WriteError{path, err}
	}
	return nil
}

// readLines reads a file of lines; a file that is missing has none. Lines that are no JSON of a Value are left out.
func readLines[Value any](path string) (values []Value, cut *Cut, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("runs: %w", err)
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var value Value
		if json.Unmarshal(line, &value) == nil {
			values = append(values, value)
			continue
		}
		if cut == nil {
			cut = &Cut{Path: path}
		}
		cut.Lines = append(cut.Lines, number)
	}
	return values, cut, nil
}
