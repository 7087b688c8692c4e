// Package runs is what a training run or a sweep leaves on disk: a folder with its options, its measures, its weights and its pictures.
//
// Other packages read and write these files through it: no other knows their names.
package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// Root is the folder, below the current one, in which new run folders are made.
const Root = "runs"

// A Dir is the folder of a run or a sweep.
type Dir string

// An ExistsError says that a folder already holds a run or a sweep, or another program's config.json.
type ExistsError struct {
	Dir     Dir
	File    string // what it holds
	Sweep   bool   // it is a sweep
	Foreign bool   // the file is no run's or sweep's
}

func (e *ExistsError) Error() string {
	switch {
	case e.Foreign:
		return fmt.Sprintf("runs: %s holds a %s that is not a run's", e.Dir, e.File)
	case e.Sweep:
		return fmt.Sprintf("runs: %s already holds a sweep's %s", e.Dir, e.File)
	}
	return fmt.Sprintf("runs: %s already holds a run's %s", e.Dir, e.File)
}

// New returns the folder of a new run or sweep, and checks that it holds none unless it may overwrite one. Options alone, which a run leaves that
// failed in its first epoch, are overwritten. It makes nothing yet. An empty path stands for a new folder in [Root], with the prefix and the time as
// its name.
func New(path, prefix string, at time.Time, overwrite bool) (Dir, error) {
	if path == "" {
		name := filepath.Join(Root, prefix+at.Format("2006-01-02T15-04-05"))
		path = name
		for i := 2; exists(path); i++ { // two runs in one second
			path = fmt.Sprintf("%s-%d", name, i)
		}
	}
	d := Dir(path)
	if overwrite {
		return d, nil
	}
	for _, name := range outcomes {
		if exists(d.file(name)) {
			return "", &ExistsError{Dir: d, File: name, Sweep: d.IsSweep()}
		}
	}
	if d.Exists() && !d.hasOptions() {
		return "", &ExistsError{Dir: d, File: configFile, Foreign: true}
	}
	if d.HasCheckpoints() {
		return "", &ExistsError{Dir: d, File: checkpointsDir, Sweep: d.IsSweep()}
	}
	return d, nil
}

// Make makes the folder and writes its options. Of a run or a sweep that is overwritten, all files are removed; others stay.
func (d Dir) Make(config any) error {
	if err := os.MkdirAll(string(d), 0o777); err != nil {
		return &WriteError{string(d), fmt.Errorf("creating the folder: %w", err)}
	}
	if err := d.clear(); err != nil {
		return err
	}
	return d.WriteConfig(config)
}

// IsSweep says whether the folder is a sweep's: its options say how many trials run at once, or it has trials.
func (d Dir) IsSweep() bool {
	var config struct{ Jobs *int }
	return exists(d.file(trialsFile)) || d.ReadConfig(&config) == nil && config.Jobs != nil
}

// Exists says whether the folder holds the options of a run or a sweep.
func (d Dir) Exists() bool { return exists(d.file(configFile)) }

// hasOptions says whether the folder's config.json is a run's or a sweep's.
func (d Dir) hasOptions() bool {
	var p Provenance
	return d.ReadConfig(&p) == nil && !p.Started.IsZero()
}

// Weights returns the path of a run's weights, those of the last epoch.
func (d Dir) Weights() string { return d.file(weightsFile) }

// BestWeights returns the path of the weights of a run's best epoch.
func (d Dir) BestWeights() string { return d.file(bestFile) }

// TrialWeights returns the path of the weights of a sweep's trial, which are numbered from 1.
func (d Dir) TrialWeights(number int) string {
	return d.file(fmt.Sprintf("trial-%03d.safetensors", number))
}

// Config returns the path of the options.
func (d Dir) Config() string { return d.file(configFile) }

// Page returns the path of the report page.
func (d Dir) Page() string { return d.file(pageFile) }

// Picture returns the path of a picture, one of [Pictures], without the ending, which says its format.
func (d Dir) Picture(name string) string { return d.file(name) }

func (d Dir) file(name string) string { return filepath.Join(string(d), name) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// A WriteError says that a file or a folder cannot be written.
type WriteError struct {
	Path  string
	Cause error
}

func (e *WriteError) Error() string {
	switch cause := e.Cause.(type) { // whose paths may be a temporary file's
	case *fs.PathError:
		return fmt.Sprintf("runs: writing %s: %v", e.Path, cause.Err)
	case *os.LinkError:
		return fmt.Sprintf("runs: writing %s: %v", e.Path, cause.Err)
	}
	return fmt.Sprintf("runs: writing %s: %v", e.Path, e.Cause)
}

func (e *WriteError) Unwrap() error { return e.Cause }

// Full says that the disk has no room left.
func (e *WriteError) Full() bool {
	return errors.Is(e.Cause, unix.ENOSPC) || errors.Is(e.Cause, unix.EDQUOT)
}

// WriteFile writes a file that is replaced whole or stays as it was, in a folder that it makes. When it returns, file and name are on the disk.
// Its error is a [WriteError].
func WriteFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return &WriteError{path, err}
	}
	return replace(path, content)
}

// replace is WriteFile in a folder that is there: one that has vanished, as a disk that is taken away, is not made anew.
func replace(path string, content []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a device, say, which the new file would take the place of
		if info.IsDir() {
			return &WriteError{path, unix.EISDIR}
		}
		return &WriteError{path, errors.New("it is no regular file")}
	}
	err := renameio.WriteFile(path, content, 0o666)
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return &WriteError{path, err}
	}
	return nil
}

// syncFolder returns when the names in a folder are on the disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, unix.EINVAL) { // file systems without this
		err = nil
	}
	return errors.Join(err, folder.Close())
}
