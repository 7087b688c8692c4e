package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lenet/runs"
)

// from runs the program in a folder.
func from(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, args...)
	cmd.Dir = dir
	return outcome(t, cmd)
}

// setOption changes an option in a config.json.
func setOption(t *testing.T, path, name string, value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var options map[string]any
	if err := json.Unmarshal(text, &options); err != nil {
		t.Fatal(err)
	}
	options[name] = value
	if text, err = json.Marshal(options); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// A relative --data is resolved where it was given: later commands find it from any folder, also from options of an old version, which have it
// relative.
func TestARelativeDataFolderIsFoundFromAnyFolder(t *testing.T) {
	t.Parallel()
	here, elsewhere := t.TempDir(), t.TempDir()
	copyFolder(t, smallData(t, 60, 10), filepath.Join(here, "my", "digits"))
	classes := strings.Fields("zero one two three four five six seven eight nine")
	if err := os.WriteFile(filepath.Join(here, "my", "names"), []byte(strings.Join(classes, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := from(t, here, "train", "--data=my/digits", "--classes=my/names", "--epochs=1", "--device=cpu", "--out=runs/a"); code != 0 {
		t.Fatal(stderr)
	}
	if _, stderr, code := from(t, here, "tune", "--data=my/digits", "--validation=10", "--lr=0.1,0.2", "--epochs=1", "--device=cpu", "--out=runs/b"); code != 0 {
		t.Fatal(stderr)
	}
	run, sweep := filepath.Join(here, "runs", "a"), filepath.Join(here, "runs", "b")
	commands := func(dir, run string) {
		t.Helper()
		for _, args := range [][]string{
			{"eval", "--device=cpu", "--model", run}, {"report", "--device=cpu", run}, {"predict", "--device=cpu", "--model", runs.Dir(run).Weights()},
			{"train", "--device=cpu", "--config", run}, {"train", "--device=cpu", "--config", runs.Dir(run).Config()}, {"tune", "--resume", sweep},
		} {
			if _, stderr, code := from(t, dir, args...); code != 0 {
				t.Errorf("%q in %s: exit code %d, %s", args, dir, code, stderr)
			}
		}
	}
	commands(elsewhere, run)
	page, err := os.ReadFile(runs.Dir(run).Page())
	if err != nil || !strings.Contains(string(page), "<title>LeNet: digits: 1 epoch") {
		t.Errorf("the page is not headed with the folder's name: %v", err)
	}

	for _, dir := range []string{run, sweep} {
		setOption(t, runs.Dir(dir).Config(), "data", "my/digits")
		setOption(t, runs.Dir(dir).Config(), "classes", "my/names")
	}
	commands(elsewhere, run) // it is below a folder above the run's
	setOption(t, runs.Dir(run).Config(), "data", "lost/digits")
	for _, args := range [][]string{{"eval", "--device=cpu", "--model", run}, {"train", "--device=cpu", "--config", run}} {
		_, stderr, code := from(t, elsewhere, args...)
		for _, tried := range []string{elsewhere, run, filepath.Dir(run), here} {
			if !strings.Contains(stderr, filepath.Join(tried, "lost", "digits")) {
				t.Errorf("%q: it does not say that it looked in %s: %s", args, tried, stderr)
			}
		}
		if code == 0 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "config.json names lost/digits") || !strings.Contains(stderr, "name another with --data") {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	if _, stderr, code := from(t, elsewhere, "train", "--device=cpu", "--config", run, "--data", filepath.Join(here, "my", "digits")); code != 0 {
		t.Errorf("--data beside --config: exit code %d, %s", code, stderr)
	}
	if _, stderr, code := from(t, elsewhere, "eval", "--device=cpu", "--model", run, "--data", filepath.Join(here, "my", "digits")); code != 0 {
		t.Errorf("eval --data: exit code %d, %s", code, stderr)
	}
}
