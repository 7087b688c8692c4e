package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"lenet/metrics"
)

// A Cut says that a file's last line was not written whole, as when a process is killed. The lines before it are fine.
type Cut struct {
	Path string
	Line int // from 1
}

func (c *Cut) String() string {
	return fmt.Sprintf("%s: line %d is not whole; the lines before it are used", c.Path, c.Line)
}

// AppendEpoch appends an epoch to a run's measures.
func (d Dir) AppendEpoch(e metrics.Epoch) error { return appendLine(d.file(metricsFile), e) }

// Epochs returns a run's measures, epoch by epoch. The cut is nil where the file is whole.
//
// A run that was stopped in its first epoch has none.
//
// Errors: a line that is broken and not the last.
func (d Dir) Epochs() ([]metrics.Epoch, *Cut, error) {
	return readLines[metrics.Epoch](d.file(metricsFile))
}

// AppendTrial appends a trial to a sweep's.
func (d Dir) AppendTrial(trial any) error { return appendLine(d.file(trialsFile), trial) }

// WriteTrials writes all of a sweep's trials, in place of what the file holds.
func WriteTrials[Trial any](d Dir, trials []Trial) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, t := range trials {
		if err := encoder.Encode(t); err != nil {
			return fmt.Errorf("runs: %w", err)
		}
	}
	return WriteFile(d.file(trialsFile), text.Bytes())
}

// ReadTrials returns a sweep's trials, line by line; none where the file is missing. The cut is nil where the file is whole.
func ReadTrials[Trial any](d Dir) ([]Trial, *Cut, error) {
	return readLines[Trial](d.file(trialsFile))
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
		return fmt.Errorf("runs: writing %s: %w", path, err)
	}
	return nil
}

// readLines reads a file of lines; a file that is missing has none. A last line that is no JSON was cut.
func readLines[Value any](path string) ([]Value, *Cut, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("runs: %w", err)
	}
	var values []Value
	for line := range bytes.Lines(text) {
		var value Value
		err := json.Unmarshal(line, &value)
		text = text[len(line):]
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if last := len(text) == 0; last && err != nil {
			return values, &Cut{path, len(values) + 1}, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("runs: %s, line %d: %w", path, len(values)+1, err)
		}
		values = append(values, value)
	}
	return values, nil, nil
}
