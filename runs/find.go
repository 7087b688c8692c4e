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
// Errors: [ErrNone]; [fs.ErrNotExist].
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
		return "", "", fmt.Errorf("runs: the folder holds no trained network: %w", err)
	}
	return dir.Weights(), dir, nil
}
