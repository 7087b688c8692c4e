package runs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Absolute returns a path that an option gave, so that config.json means the same in every folder. An empty path stays empty.
func Absolute(path string) string {
	if absolute, err := filepath.Abs(path); path != "" && err == nil {
		return absolute
	}
	return path
}

// A LostError says that a file or folder that a run's options name is not there.
type LostError struct {
	Path   string // as config.json has it
	Config string // the path of that file
	Tried  []string
}

func (e *LostError) Error() string {
	return fmt.Sprintf("runs: %s names %s, and there is no %s", e.Config, e.Path, strings.Join(e.Tried, " or "))
}

// Locate returns a file or folder that the options of the run or sweep name. One that is relative, as in options of an old version, is looked for below the
// current folder, then below the run's own folder and those above it.
//
// Errors: [LostError].
func (d Dir) Locate(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	tried := []string{Absolute(path)}
	for above := Absolute(string(d)); !filepath.IsAbs(path); above = filepath.Dir(above) {
		if candidate := filepath.Join(above, path); !slices.Contains(tried, candidate) {
			tried = append(tried, candidate)
		}
		if above == filepath.Dir(above) { // the root
			break
		}
	}
	for _, candidate := range tried {
		if there(candidate) {
			return candidate, nil
		}
	}
	return "", &LostError{path, d.Config(), tried}
}

// there says whether a path is a file's or a folder's, or what the names of files in a folder begin with, as that of one of several sets may be.
func there(path string) bool {
	if exists(path) {
		return true
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), filepath.Base(path)+"-") })
}
