package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// names returns the names of a folder's files.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

// Whatever a command writes into a run's or a sweep's folder is of that run: --force leaves none of it, and all that is the user's own.
func TestForceReplacesAllThatCommandsWrite(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	data := smallData(t, 60, 10)
	do := func(args ...string) {
		t.Helper()
		if _, stderr, code := from(t, here, args...); code != 0 {
			t.Fatalf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	own := func(dir string) (all []string) {
		for _, name := range []string{"notes.txt", "events.out.tfevents.1.host", "confusion-old.png", "mine.safetensors"} {
			if err := os.WriteFile(filepath.Join(here, dir, name), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			all = append(all, name)
		}
		return all
	}
	train := []string{"train", "--data", data, "--epochs=1", "--device=cpu", "--out=run"}
	do(append(train, "--tensorboard")...)
	do("eval", "--model=run", "--device=cpu")
	do("predict", "--model=run", "--device=cpu")
	do("report", "run", "--device=cpu")
	do("export", "--model=run", "--device=cpu")
	if got := names(t, filepath.Join(here, "run")); len(got) < 12 {
		t.Fatalf("the commands left %q", got)
	}
	want := append(own("run"), "best.safetensors", "checkpoints", "config.json", "metrics.jsonl", "model.safetensors", "progress.jsonl", "status.json")
	do(append(train, "--force")...)
	slices.Sort(want)
	if got := names(t, filepath.Join(here, "run")); !slices.Equal(got, want) {
		t.Errorf("train --force leaves %q, want %q", got, want)
	}

	tune := []string{"tune", "--data", data, "--validation=10", "--epochs=1", "--device=cpu", "--out=sweep"}
	do(append(tune, "--lr=0.1,0.2", "--batch-size=20,30", "--optimizer=sgd,adam", "--activation=relu,tanh", "--seed=1,2", "--trials=8")...)
	do("report", "sweep", "--device=cpu")
	if got := names(t, filepath.Join(here, "sweep")); len(got) != 14 {
		t.Fatalf("the commands left %q", got)
	}
	_, stderr, code := from(t, here, append(tune, "--lr=0.1")...)
	if code != exitFailure || !strings.Contains(stderr, "--force") {
		t.Errorf("without --force: exit code %d, %s", code, stderr)
	}
	do(append(tune, "--lr=0.1,0.2", "--carry-over", "--force")...)
	want = append(own("sweep"), "config.json", "status.json", "tune.jsonl")
	do(append(tune, "--lr=0.1", "--force")...)
	slices.Sort(want)
	if got := names(t, filepath.Join(here, "sweep")); !slices.Equal(got, want) {
		t.Errorf("tune --force leaves %q, want %q", got, want)
	}
}

func TestAFailedRunIsNoObstacleForTheNext(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	args := []string{"train", "--data", smallData(t, 60, 10), "--epochs=1", "--batch-size=20", "--device=cpu", "--tensorboard", "--out=run"}
	if _, stderr, code := from(t, here, append(args, "--lr=1e38", "--activation=relu")...); code != exitFailure || !strings.Contains(stderr, "is not finite at step") {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	if _, stderr, code := from(t, here, append(args, "--lr=0.1")...); code != 0 {
		t.Errorf("the next run: exit code %d, %s", code, stderr)
	}
	if files, _ := filepath.Glob(filepath.Join(here, "run", "events.*")); len(files) != 1 {
		t.Errorf("event files %q", files)
	}
	if _, stderr, code := from(t, here, append(args, "--lr=0.1")...); code != exitFailure || !strings.Contains(stderr, "already holds a run's metrics.jsonl; give another --out, or --force to overwrite it") {
		t.Errorf("the one after: exit code %d, %s", code, stderr)
	}
}
