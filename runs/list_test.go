package runs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree makes runs below a folder, each begun an hour before the one ahead of it, and returns the folder.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for i, name := range names {
		must(t, Dir(filepath.Join(root, name)).Make(struct{ Provenance }{Provenance{Started: noon.Add(-time.Duration(i) * time.Hour)}}))
	}
	return root
}

func folder(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	must(t, os.MkdirAll(path, 0o777))
	return path
}

func TestRunsAreListedNewestFirst(t *testing.T) {
	root := tree(t, "b", "report/final", "a", "x/y/z")
	must(t, Dir(filepath.Join(root, "c")).Make(struct{ Provenance }{Provenance{Started: noon}}))
	write(t, filepath.Join(folder(t, root, "damaged"), configFile), "{")
	write(t, filepath.Join(folder(t, root, "nothing"), "notes.txt"), "")
	for _, name := range []string{".hidden", "checkpoints", "u/v/w/too-deep"} {
		must(t, Dir(filepath.Join(root, name)).Make(options(1)))
	}
	write(t, filepath.Join(folder(t, root, "another-program"), configFile), `{"architectures":["LeNet"]}`)
	write(t, filepath.Join(root, "another-program", weightsFile), "")
	write(t, filepath.Join(root, "config.json"), "{}") // the root is no run

	all, err := List(root)
	must(t, err)
	var names []string
	for _, d := range all {
		name := filepath.ToSlash(strings.TrimPrefix(string(d), root+string(filepath.Separator)))
		names = append(names, name)
		if found, err := Find(root, name); found != d || err != nil {
			t.Errorf("%s is found as %q (%v)", name, found, err)
		}
	}
	if want := []string{"b", "c", "report/final", "a", "x/y/z", "damaged"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if _, err := List(filepath.Join(root, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestANameFindsNothingButARunBelowTheRoot(t *testing.T) {
	above := tree(t, "outside", "runs/a", "runs/.hidden", "runs/a/checkpoints", "runs/x/.y/z", "runs/1/2/3/4")
	root := filepath.Join(above, "runs")
	write(t, filepath.Join(folder(t, root, "another-program"), configFile), `{"architectures":["LeNet"]}`)
	for _, name := range []string{
		"", ".", "..", "/", "../outside", "../runs/a", "a/../../outside", "a/..", "a/.", "./a", "a/", "a//", "//a", "x/../a", "..\\outside", "a\\..\\..\\outside",
		"a\x00", "\x00", "a/config.json", ".hidden", "x/.y/z", "a/checkpoints", "1/2/3/4", "1", "another-program", "missing", "A ", "%2e%2e/outside",
		filepath.Join(root, "a"), filepath.Join(above, "outside"), strings.Repeat("a", 5000), "con\nfig",
	} {
		if d, err := Find(root, name); d != "" || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%.80q is found as %q (%v)", name, d, err)
		}
	}
	if d, err := Find(root, "a"); d != Dir(filepath.Join(root, "a")) || err != nil {
		t.Errorf("%q (%v)", d, err)
	}
}
