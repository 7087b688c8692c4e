package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lenet/runs"
	"lenet/train"
)

// onDisk runs a shell script in which lenet is the program and ./disk a file system of its own, of so many kB, in memory. What the script leaves
// in its folder is left there, but ./disk is gone.
func onDisk(t *testing.T, kilobytes int, script string) (dir, stdout, stderr string) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs many processes, each of which the race detector makes slow to start")
	}
	lenet := command(t)
	dir = lenet.Dir
	if err := os.Mkdir(filepath.Join(dir, "disk"), 0o777); err != nil {
		t.Fatal(err)
	}
	mount := fmt.Sprintf("mount -t tmpfs -o size=%dk tmpfs disk", kilobytes)
	shell := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount+" || exit 99\nlenet() { timeout 120 \""+lenet.Path+"\" \"$@\"; }\n"+script)
	shell.Dir, shell.Env = dir, lenet.Env
	var out, errs bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &errs
	if err := shell.Run(); err != nil {
		if shell.ProcessState != nil && shell.ProcessState.ExitCode() == 99 || shell.ProcessState == nil || strings.Contains(errs.String(), "unshare:") {
			t.Skipf("no file system of one's own can be made here: %v, %s", err, errs.String())
		}
		t.Fatalf("%v, %s, %s", err, out.String(), errs.String())
	}
	return dir, out.String(), errs.String()
}

// A disk has room for some files of the run, and not for the next one: the run ends with one line, and goes on when there is room.
func TestAFullDiskEndsTheRunAndLosesNothing(t *testing.T) {
	t.Parallel()
	data := smallData(t, 640, 100)
	args := "train --data " + data + " --device=cpu --threads=1 --no-progress --epochs=30 --recipe=fast"
	whole := filepath.Join(t.TempDir(), "whole")
	if _, stderr, code := lenet(t, append(strings.Fields(args), "--out", whole)...); code != 0 {
		t.Fatal(stderr)
	}
	want := content(t, runs.Dir(whole).Weights())
	for _, kilobytes := range []int{100, 400, 800, 1000, 1100} { // weights take 180, a checkpoint 360, and each twice while it is replaced
		dir, stdout, stderr := onDisk(t, kilobytes, `
			lenet `+args+` --out disk/run
			echo code $?
			cp -r disk/run full
			mount -o remount,size=10m disk
			test -e full/model.safetensors || exit 0
			lenet train --resume disk/run --no-progress || exit
			cp -r disk/run resumed`)
		first, _, _ := strings.Cut(stderr, "\n")
		if !strings.Contains(stdout, "code 1\n") || !strings.Contains(first, "no space left on device; make room there") || strings.Count(stderr, "runs: writing") != 1 {
			t.Errorf("a disk of %d kB: %s, standard error %q", kilobytes, stdout, stderr)
		}
		intact(t, filepath.Join(dir, "full"))
		if _, err := os.Stat(filepath.Join(dir, "full", "model.safetensors")); err != nil {
			continue
		}
		if got := content(t, runs.Dir(filepath.Join(dir, "resumed")).Weights()); got != want {
			t.Errorf("a disk of %d kB: the run that went on has other weights", kilobytes)
		}
	}
}

// A file system may become read-only while it is in use, as after an error of the disk, or go away.
func TestAFolderThatBecomesReadOnlyOrVanishesEndsTheRun(t *testing.T) {
	t.Parallel()
	data := smallData(t, 640, 100)
	for name, c := range map[string]struct{ fault, want string }{
		"read-only": {"for i in $(seq 5000); do mount -o remount,ro disk 2>mount.log && break; done", "read-only file system"}, // busy while a file is written
		"away":      {"mv disk/run disk/away", "no such file or directory"},
	} {
		for _, command := range []string{"train", "tune --validation=100 --lr=0.01:0.5:0.01 --jobs=2"} {
			_, stdout, stderr := onDisk(t, 10000, `
			lenet `+command+` --data `+data+` --device=cpu --threads=1 --no-progress --epochs=2000 --out disk/run >out &
			until test -n "$(ls disk/run/checkpoints 2>/dev/null)"; do sleep 0.02; done
			`+c.fault+`
			wait $!
			echo code $?`)
			if stdout != "code 1\n" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
				t.Errorf("%s, %s: %q, standard error %q", name, command, stdout, stderr)
			}
		}
	}
}

// No memory, for libtorch or for Go's runtime, is a line, and no trace of a program that was aborted.
func TestTooLittleMemoryIsAnError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kilobytes int // of address space
		want      string
	}{
		{700_000, "the address space is limited to 700000 kB"},
		{1_500_000, "the address space is limited to 1500000 kB"},
		{2_300_000, "the address space is limited to 2300000 kB"},
		{3_200_000, "; try a smaller --batch-size\n"},
	} {
		if c.kilobytes > 3_000_000 && testing.Short() {
			continue // the race detector needs more address space
		}
		self := command(t)
		shell := exec.CommandContext(t.Context(), "sh", "-c", fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, c.kilobytes), self.Path,
			"train", "--kernels=reference", "--batch-size=60000", "--device=cpu", "--threads=2", "--no-progress", "--out=run")
		shell.Dir, shell.Env = self.Dir, append(self.Env, "GOMAXPROCS=2") // stacks and arenas of many threads would take it
		_, stderr, code := outcome(t, shell)
		if code != exitFailure || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("with %d kB: exit code %d, standard error %q", c.kilobytes, code, stderr)
		}
	}
}

// A checkpoint is the same run's in whatever folder that is, and one of two processes on it is refused.
func TestARunGoesOnInAnotherFolderAndInOneProcess(t *testing.T) {
	t.Parallel()
	data := smallData(t, 640, 100)
	cmd := command(t, "train", "--data", data, "--device=cpu", "--threads=1", "--epochs=100000", "--out=run")
	stdout, stderr := epochTwo(t, cmd)
	if _, line, code := from(t, cmd.Dir, "train", "--resume=run"); code != exitFailure || !strings.Contains(line, "another process is writing to run") {
		t.Errorf("a second process: exit code %d, standard error %q", code, line)
	}
	_ = cmd.Process.Kill() // and the lock is gone
	_ = cmd.Wait()
	_ = stdout
	if err := os.Rename(filepath.Join(cmd.Dir, "run"), filepath.Join(cmd.Dir, "moved")); err != nil {
		t.Fatal(err)
	}
	paths, err := runs.Dir(filepath.Join(cmd.Dir, "moved")).Checkpoints()
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d checkpoints, error %v, %s", len(paths), err, stderr.String())
	}
	c, err := train.ReadCheckpoint(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if out, line, code := from(t, cmd.Dir, "train", "--resume=moved", fmt.Sprint("--epochs=", len(c.Epochs)+1)); code != 0 || !strings.Contains(out, "saved in moved") {
		t.Errorf("in another folder: exit code %d, standard error %q, %s", code, line, out)
	}
}
