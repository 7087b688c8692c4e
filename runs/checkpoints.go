package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of checkpointsDir: a run's, whose names sort as they were written, and one of each of a sweep's trials.
const (
	checkpointsDir  = "checkpoints"
	checkpointName  = "epoch-%05d-step-%08d" + checkpointEnd
	trialCheckpoint = "trial-%03d" + checkpointEnd
	checkpointEnd   = ".safetensors"
)

// Checkpoint returns the path of a run's checkpoint: after a number of steps, with so many epochs done, evaluation included.
func (d Dir) Checkpoint(step, epochs int) string {
	return d.file(filepath.Join(checkpointsDir, fmt.Sprintf(checkpointName, epochs, step)))
}

// TrialCheckpoint returns the path of the checkpoint of a sweep's trial, which are numbered from 1.
func (d Dir) TrialCheckpoint(number int) string {
	return d.file(filepath.Join(checkpointsDir, fmt.Sprintf(trialCheckpoint, number)))
}

// Checkpoints returns the paths of a run's checkpoints, the newest first.
//
// Errors: [fs.ErrNotExist] where there is no folder for them, as in a run of an old version.
func (d Dir) Checkpoints() (paths []string, err error) {
	entries, err := os.ReadDir(d.file(checkpointsDir))
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	for _, e := range slices.Backward(entries) { // sorted by name
		if strings.HasPrefix(e.Name(), "epoch-") && strings.HasSuffix(e.Name(), checkpointEnd) {
			paths = append(paths, d.file(filepath.Join(checkpointsDir, e.Name())))
		}
	}
	return paths, nil
}

// HasCheckpoints says whether there is a checkpoint, of a run or of a sweep's trial, that is not from before the first step.
func (d Dir) HasCheckpoints() bool {
	first := filepath.Base(d.Checkpoint(0, 0))
	entries, _ := os.ReadDir(d.file(checkpointsDir))
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.HasSuffix(e.Name(), checkpointEnd) && !strings.HasPrefix(e.Name(), ".") && e.Name() != first
	})
}

// MakeCheckpoints makes the place for checkpoints.
func (d Dir) MakeCheckpoints() error {
	if err := os.MkdirAll(d.file(checkpointsDir), 0o777); err != nil {
		return &WriteError{d.file(checkpointsDir), err}
	}
	return nil
}

// RemoveTrialCheckpoints removes those of a sweep's trials, and their folder.
func (d Dir) RemoveTrialCheckpoints() error {
	if err := remove(d.file(checkpointsDir), "trial-*"+checkpointEnd); err != nil {
		return err
	}
	_ = os.Remove(d.file(checkpointsDir)) // where it is empty
	return nil
}

// RemoveCheckpoint removes a checkpoint, if it is there.
func RemoveCheckpoint(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("runs: %w", err)
	}
	return nil
}
