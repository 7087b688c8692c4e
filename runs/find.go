package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNone says that there is no run in [Root].
var ErrNone = errors.New("runs: there is no run in " + Root + "/ here")

// An EmptyError says that a folder holds no weights or, of a sweep, no trials: it is no run's, or the run or sweep was stopped before its first result.
type EmptyError struct {
	Dir   Dir
	Sweep bool
}

func (e *EmptyError) Error() string {
	if e.Sweep {
		return fmt.Sprintf("runs: the sweep in %s has no trials yet", e.Dir)
	}
	return fmt.Sprintf("runs: %s holds no trained network", e.Dir)
}

// Unwrap returns what the file system says of the missing file.
func (e *EmptyError) Unwrap() error { return fs.ErrNotExist }

// newest returns the run in [Root] whose weights are the newest.
//
// Errors: [ErrNone].
func newest() (Dir, error) {
	files, err := filepath.Glob(filepath.Join(Root, "*", weightsFile))
	if err != nil {
		return "", fmt.Errorf("runs: %w", err)
	}
	var latest fs.FileInfo
	var dir Dir
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && (latest == nil || info.ModTime().After(latest.ModTime())) {
			dir, latest = Dir(filepath.Dir(f)), info
		}
	}
	if latest == nil {
		return "", ErrNone
	}
	return dir, nil
}

// FindWeights returns the path of weights, and the folder that they are in: those in a run's folder, a file itself, or, for an empty path, the
// newest run's.
//
// Errors: [ErrNone]; [EmptyError]; [fs.ErrNotExist].
func FindWeights(path string) (weights string, dir Dir, err error) {
	if path == "" {
		if dir, err = newest(); err != nil {
			return "", "", err
		}
		return dir.Weights(), dir, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", "", fmt.Errorf("runs: no run: %w", err)
	}
	if !info.IsDir() {
		return path, Dir(filepath.Dir(path)), nil
	}
	dir = Dir(path)
	if _, err := os.Stat(dir.Weights()); err != nil {
		return "", "", &EmptyError{Dir: dir}
	}
	return dir.Weights(), dir, nil
}
