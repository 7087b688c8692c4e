package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
)

// The files of a run's or a sweep's folder.
const (
	configFile  = "config.json"       // the options, and the versions of the software
	metricsFile = "metrics.jsonl"     // of a run: a metrics.Epoch a line
	weightsFile = "model.safetensors" // of a run
	trialsFile  = "tune.jsonl"        // of a sweep: a trial a line
	pageFile    = "report.html"
)

// outcomes are what makes a folder a run's or a sweep's that may not be lost.
var outcomes = []string{metricsFile, weightsFile, trialsFile}

// Pictures are the names of all pictures in folders, each a .png and an .svg: those of lenet eval, those of lenet predict, and a sweep's, one for
// each axis.
var Pictures = []string{"confusion", "mistakes", "predictions", "lr", "batch-size", "optimizer", "activation", "seed"}

// patterns are the names, as [path.Match] takes them, of all files that are written to a folder, but for the options.
func patterns() []string {
	all := append(slices.Clone(outcomes), pageFile, "trial-[0-9][0-9][0-9]*.safetensors", "events.out.tfevents.*.lenet")
	for _, name := range Pictures {
		all = append(all, name+".png", name+".svg")
	}
	return all
}

// clear removes what the folder holds of a run or a sweep. In a folder that has no run's options, a report.html is somebody else's, and only outcomes
// are removed.
func (d Dir) clear() error {
	names := outcomes
	if d.hasOptions() {
		names = patterns()
	}
	files, err := os.ReadDir(string(d))
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	for _, f := range files {
		written := slices.ContainsFunc(names, func(pattern string) bool {
			matches, _ := path.Match(pattern, f.Name()) // the patterns are constant
			return matches
		})
		if !written {
			continue
		}
		if err := os.Remove(d.file(f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("runs: %w", err)
		}
	}
	return nil
}
