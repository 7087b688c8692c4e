package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"lenet/metrics"
	"lenet/runs"
	"lenet/statedict"
	"lenet/torchx"
)

// A Checkpoint is all that a training needs to go on as if it had never stopped: to the bit, on the same kind of processor.
//
// Its file is a state dict: the weights by their names, and the optimizer's state after a prefix, as "optimizer.conv1.weight.momentum". Its
// metadata hold the rest.
type Checkpoint struct {
	Config Config
	Epochs []metrics.Epoch // the whole ones
	State
}

// A State is how far a [Session] is, between two steps.
type State struct {
	Steps   int           `json:"steps"`   // of the whole training
	Batches int           `json:"batches"` // of an epoch that is not whole
	Totals  torchx.Totals `json:"totals"`  // over these
	Seconds float64       `json:"seconds"` // that these took
	Data    uint32        `json:"data"`    // [dataset.Set.Checksum] of the training set
	tensors map[string]statedict.Tensor
}

// The keys of a checkpoint's metadata.
const (
	checkpointKey = statedict.CheckpointKey // a header
	metricsKey    = "lenet_metrics"         // the epochs, as metrics.jsonl has them
)

// Larger files are refused unread. The header has room for the measures of 100,000 epochs.
const (
	largestCheckpoint = 4 << 30
	longestHeader     = 64 << 20
)

// checkpointVersion is raised when older programs would read a file wrongly.
const checkpointVersion = 1

type checkpointHeader struct {
	Version int    `json:"version"`
	Config  Config `json:"config"`
	State   State  `json:"state"`
}

const optimizerPrefix = "optimizer."

// Encode returns the checkpoint's file.
func (c *Checkpoint) Encode() ([]byte, error) {
	header, err := json.Marshal(checkpointHeader{checkpointVersion, c.Config, c.State})
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, e := range c.Epochs {
		if err := encoder.Encode(e); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	var tensors []statedict.Tensor
	for _, t := range c.tensors {
		tensors = append(tensors, t)
	}
	return statedict.Encode(tensors, map[string]string{"format": "pt", checkpointKey: string(header), metricsKey: lines.String()})
}

// ReadCheckpoint reads a checkpoint's file.
//
// Errors: the file system's; a file that is no whole checkpoint.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > largestCheckpoint {
		return nil, fmt.Errorf("train: %s: it is no checkpoint: %d bytes, mode %v", path, info.Size(), info.Mode())
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	c, err := decodeCheckpoint(file)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	return c, nil
}

func decodeCheckpoint(file []byte) (*Checkpoint, error) {
	tensors, metadata, err := statedict.Decode(file, longestHeader)
	if err != nil {
		return nil, err
	}
	header := checkpointHeader{Config: Config{Options: Defaults()}}
	if err := json.Unmarshal([]byte(metadata[checkpointKey]), &header); err != nil {
		return nil, fmt.Errorf("it is no checkpoint: %w", err)
	}
	if header.Version != checkpointVersion {
		return nil, fmt.Errorf("its format is version %d, and this program reads version %d", header.Version, checkpointVersion)
	}
	c := &Checkpoint{Config: header.Config, State: header.State}
	c.tensors = tensors
	lines := json.NewDecoder(bytes.NewReader([]byte(metadata[metricsKey])))
	for lines.More() {
		var e metrics.Epoch
		if err := lines.Decode(&e); err != nil {
			return nil, fmt.Errorf("its measures: %w", err)
		}
		if e.Number != len(c.Epochs)+1 {
			return nil, fmt.Errorf("its measures have epoch %d after %d others", e.Number, len(c.Epochs))
		}
		c.Epochs = append(c.Epochs, e)
	}
	return c, c.check()
}

// check checks the numbers that are not compared with the session's.
func (s *State) check() error {
	for _, v := range append(s.Totals[:], s.Seconds) {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("its sums are %v, after %v seconds", s.Totals, s.Seconds)
		}
	}
	if s.Steps < 0 || s.Batches < 0 || s.Batches > s.Steps {
		return fmt.Errorf("it is after %d steps, %d of them in the last epoch", s.Steps, s.Batches)
	}
	for _, t := range s.tensors {
		for _, v := range t.Values {
			if v-v != 0 { // NaN or infinite
				return fmt.Errorf("its %s has values that are NaN or infinite", t.Name)
			}
		}
	}
	return nil
}

// newestCheckpoint returns the newest checkpoint of a run's folder that can be read, or nil where there is none. log is told of those that cannot.
//
// Errors: [fs.ErrNotExist] for the folder of a version without checkpoints; all checkpoints are damaged.
func newestCheckpoint(dir runs.Dir, log func(string)) (*Checkpoint, error) {
	paths, err := dir.Checkpoints()
	if err != nil {
		return nil, err
	}
	var damaged error
	for _, path := range paths {
		c, err := ReadCheckpoint(path)
		if err == nil {
			return c, nil
		}
		log("warning: " + err.Error())
		damaged = err
	}
	return nil, damaged
}

// ResumedConfig returns the options that [Resume] goes on with: those of the newest checkpoint, or, of a run that was stopped before its first one, those
// that it began with.
//
// Errors: [NotResumableError]; the file system's.
func ResumedConfig(dir runs.Dir, log func(string)) (*Config, error) {
	c, err := newestCheckpoint(dir, log)
	switch {
	case errors.Is(err, fs.ErrNotExist) || dir.IsSweep():
		return nil, &NotResumableError{dir, dir.IsSweep()}
	case err != nil:
		return nil, err
	case c != nil:
		return &c.Config, nil
	}
	return ReadConfig(dir)
}

// A NotResumableError says that a folder holds nothing that [Resume] could go on with.
type NotResumableError struct {
	Dir   runs.Dir
	Sweep bool // it is a sweep's
}

func (e *NotResumableError) Error() string {
	if e.Sweep {
		return fmt.Sprintf("train: %s is the folder of a sweep", e.Dir)
	}
	return fmt.Sprintf("train: %s has no checkpoints: it is no run's folder, or that of a run of an old version", e.Dir)
}
