package runs

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// listDepth is how many folders below the root a run may be: lenet tune and make report leave some in folders of their own.
const listDepth = 3

// List returns the folders of all runs and sweeps in a folder and up to two levels below it, the newest first. Hidden folders are left out, and so are
// those whose config.json is another program's. One that is damaged is a run's, and the last.
//
// Errors: [fs.ErrNotExist].
func List(root string) ([]Dir, error) {
	if _, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	type begun struct {
		dir Dir
		at  time.Time
	}
	var all []begun
	for _, d := range below(root, listDepth) {
		var p Provenance
		_ = d.ReadConfig(&p) // a damaged one has no time
		all = append(all, begun{d, p.Started})
	}
	slices.SortFunc(all, func(a, b begun) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.dir, b.dir)) })
	var dirs []Dir
	for _, b := range all {
		dirs = append(dirs, b.dir)
	}
	return dirs, nil
}

// below returns the runs and sweeps in a folder, and in folders below it.
func below(folder string, depth int) (found []Dir) {
	entries, _ := os.ReadDir(folder) // one that cannot be read has none
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() || !listed(e.Name()) {
			continue
		}
		if Dir(path).listed() {
			found = append(found, Dir(path))
		} else if depth > 1 {
			found = append(found, below(path, depth-1)...)
		}
	}
	return found
}

// listed says whether a folder of this name may be, or hold, a run.
func listed(name string) bool {
	return name != "" && name[0] != '.' && name != checkpointsDir
}

// listed says whether the folder is a run's or a sweep's: its config.json is not another program's.
func (d Dir) listed() bool {
	var other struct{}
	return d.hasOptions() || d.Exists() && (d.ReadConfig(&other) != nil || slices.ContainsFunc([]string{metricsFile, trialsFile, statusFile}, func(name string) bool {
		return exists(d.file(name))
	}))
}

// Find returns the folder of a run or sweep by its name, its path below a root with slashes: one that [List] returns. A name cannot leave the root.
//
// Errors: [fs.ErrNotExist], where there is none of this name, or the name is no path below the root.
func Find(root, name string) (Dir, error) {
	parts := strings.Split(name, "/")
	outside := func(part string) bool { return !listed(part) }
	if len(parts) <= listDepth && !slices.ContainsFunc(parts, outside) && filepath.IsLocal(name) && !strings.ContainsAny(name, "\\\x00") {
		if d := Dir(filepath.Join(root, name)); d.listed() {
			return d, nil
		}
	}
	return "", fmt.Errorf("runs: there is no run %q in %s: %w", name, root, fs.ErrNotExist)
}

// Stamp returns a text that changes when a file does that says how a run or a sweep went: their sizes and times.
func (d Dir) Stamp() string {
	var stamp strings.Builder
	for _, name := range []string{configFile, metricsFile, progressFile, trialsFile, statusFile, weightsFile} {
		if info, err := os.Stat(d.file(name)); err == nil {
			fmt.Fprintf(&stamp, "%d:%d", info.ModTime().UnixNano(), info.Size())
		}
		stamp.WriteByte(' ')
	}
	return stamp.String()
}
