package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// The files of a run's or a sweep's folder.
const (
	configFile   = "config.json"       // the options, and the versions of the software
	metricsFile  = "metrics.jsonl"     // of a run: a metrics.Epoch a line
	progressFile = "progress.jsonl"    // of a run: a metrics.Progress a line
	statusFile   = "status.json"       // a State
	weightsFile  = "model.safetensors" // of a run, after its last epoch
	bestFile     = "best.safetensors"  // of a run, after its best epoch
	trialsFile   = "tune.jsonl"        // of a sweep: a trial a line
	pageFile     = "report.html"
)

// outcomes are what makes a folder a run's or a sweep's that may not be lost.
var outcomes = []string{metricsFile, weightsFile, bestFile, trialsFile}

// Pictures are the names of all pictures in folders, each a .png and an .svg: those of lenet eval, those of lenet predict, and a sweep's.
var Pictures = append([]string{"confusion", "mistakes", "predictions"}, plots...)

// plots are a sweep's pictures, one for each axis.
var plots = []string{"lr", "batch-size", "optimizer", "activation", "seed"}

// patterns are the names, as [path.Match] takes them, of all files that are written to a folder, but for the options.
func patterns() []string {
	all := append(slices.Clone(outcomes), progressFile, statusFile, pageFile, "trial-[0-9][0-9][0-9]*.safetensors", eventFiles,
		"model.onnx", "best.onnx", "trial-[0-9][0-9][0-9]*.onnx") // lenet export
	for _, name := range Pictures {
		all = append(all, name+".png", name+".svg")
	}
	return all
}

// eventFiles are those of package tensorboard.
const eventFiles = "events.out.tfevents.*.lenet"

// RemoveEvents removes a run's event files for TensorBoard.
func (d Dir) RemoveEvents() error { return remove(string(d), eventFiles) }

// clear removes what the folder holds of a run or a sweep. In a folder that has no run's options, a report.html is somebody else's, and only outcomes
// are removed.
func (d Dir) clear() error {
	names := outcomes
	if d.hasOptions() {
		names = patterns()
		if err := remove(string(d), configFile); err != nil { // first: without it nobody takes what is left for a run
			return err
		}
	}
	return errors.Join(
		remove(string(d), names...),
		remove(d.file(checkpointsDir), "epoch-*"+checkpointEnd, "trial-*"+checkpointEnd),
	)
}

// clearTemporary removes what writers that were killed left: files that had not their names yet.
func (d Dir) clearTemporary() error {
	var names []string
	for _, name := range append(slices.Clone(outcomes), configFile, statusFile, progressFile) {
		names = append(names, "."+name+"[0-9]*")
	}
	for _, name := range plots { // other pictures, and pages, another process may be writing
		names = append(names, "."+name+".png[0-9]*", "."+name+".svg[0-9]*")
	}
	return errors.Join(
		remove(string(d), names...),
		remove(d.file(checkpointsDir), ".epoch-*"+checkpointEnd+"[0-9]*", ".trial-*"+checkpointEnd+"[0-9]*"),
	)
}

// remove removes a folder's files whose names match patterns, as [path.Match] takes them. A folder that is missing has none.
func remove(folder string, patterns ...string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("runs: %w", err)
	}
	for _, e := range entries {
		matches := slices.ContainsFunc(patterns, func(pattern string) bool {
			matches, _ := path.Match(pattern, e.Name()) // the patterns are constant
			return matches
		})
		if !matches {
			continue
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("runs: %w", err)
		}
	}
	return nil
}
