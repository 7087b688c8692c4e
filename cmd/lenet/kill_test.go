package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lenet/model"
	"lenet/runs"
	"lenet/train"
)

// kills is how many processes a test kills, at random moments of their lives. The race detector, which makes a process slow to start, runs without these tests.
func kills(t *testing.T) int {
	if testing.Short() {
		t.Skip("kills processes")
	}
	return 50
}

// A killed process can do nothing more. Whatever it leaves is whole, and what goes on with it ends with the bits of one that was never killed.
func TestKilledRunsEndAsIfTheyHadNeverBeenKilled(t *testing.T) {
	t.Parallel()
	kills(t)
	data := smallData(t, 640, 100)
	for name, args := range map[string][]string{
		"report":                    {"--epochs=8"},
		"fast":                      {"--recipe=fast", "--epochs=8", "--checkpoint-every=3steps"}, // momentum, augmentation, one-cycle
		"adam, averages, a trickle": {"--optimizer=adam", "--lr=0.01", "--ema=0.9", "--validation=100", "--epochs=8", "--checkpoint-every=1steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			survives(t, append([]string{"train", "--data", data, "--device=cpu", "--threads=1", "--no-progress"}, args...), func(dir runs.Dir) string {
				epochs, _, err := dir.Epochs()
				if err != nil {
					t.Error(err)
				}
				text := ""
				for _, e := range epochs {
					text += timeless(t, e)
				}
				return text + content(t, dir.Weights()) + content(t, dir.BestWeights())
			})
		})
	}
}

func TestKilledSweepsEndAsIfTheyHadNeverBeenKilled(t *testing.T) {
	t.Parallel()
	kills(t)
	args := []string{
		"tune", "--data", smallData(t, 640, 100), "--device=cpu", "--threads=1", "--jobs=2", "--no-progress", "--validation=100",
		"--recipe=fast", "--epochs=4", "--lr=0.05,0.1,0.15", "--batch-size=64,128", "--halving",
	}
	survives(t, args, func(dir runs.Dir) (text string) {
		trials, cut, err := runs.ReadTrials[map[string]any](dir)
		if err != nil || cut != nil {
			t.Errorf("cut %v, error %v", cut, err)
		}
		for _, trial := range trials {
			for _, e := range trial["metrics"].([]any) {
				text += timeless(t, e)
			}
		}
		return text
	})
}

// timeless returns a value's JSON, without what depends on the time.
func timeless(t *testing.T, epoch any) string {
	t.Helper()
	line, err := json.Marshal(epoch)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"train_seconds", "eval_seconds", "images_per_second"} {
		if _, ok := fields[key]; !ok {
			t.Errorf("%s lacks %s", line, key)
		}
		delete(fields, key)
	}
	line, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "\n"
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// survives runs the program to its end once, and then kills it again and again, and lets it go on with what it left, until all has been killed
// that is to be. outcome returns what has to be the same each time.
func survives(t *testing.T, args []string, outcome func(runs.Dir) string) {
	run := func(args ...string) (string, int) {
		_, stderr, code := lenet(t, args...)
		return stderr, code
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	start := time.Now()
	if stderr, code := run(append(args, "--out", whole)...); code != 0 {
		t.Fatal(stderr)
	}
	length := time.Since(start)
	want := outcome(runs.Dir(whole))
	killed, ended := 0, 0
	for killed < kills(t) {
		out := filepath.Join(dir, fmt.Sprint("run-", ended))
		for resumable := false; ; {
			next := append(args, "--out", out)
			if resumable {
				next = []string{args[0], "--resume", out, "--no-progress"}
			}
			start := time.Now()
			again, stderr := killedAfter(t, time.Duration(rand.Int64N(int64(length*5/4))), next)
			if !again { // the first process may have had to wait for others
				length = min(length, max(time.Since(start), length/4))
			}
			intact(t, out)
			if state := runs.Dir(out).State(); state.Name == runs.StateRunning || state.Name == runs.StateFailed || !again && state.Name != runs.StateEnded {
				t.Errorf("killed: %v, and its folder says %+v", again, state)
			}
			if !again {
				here, _ := filepath.Glob(filepath.Join(out, ".*"))
				below, _ := filepath.Glob(filepath.Join(out, "*", ".*"))
				if len(here)+len(below) > 0 {
					t.Errorf("half written files are left: %q", append(here, below...))
				}
				if got := outcome(runs.Dir(out)); got != want {
					t.Errorf("after %d kills another outcome than that of a run that was never killed; the last process said %q", killed, stderr)
				}
				break
			}
			killed++
			resumable = runs.Dir(out).Exists()
		}
		ended++
	}
	t.Logf("%d processes killed, %d runs", killed, ended)
}

// killedAfter runs the program, and kills it unless it ends before that.
func killedAfter(t *testing.T, after time.Duration, args []string) (killed bool, said string) {
	t.Helper()
	cmd := command(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	kill.Stop()
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		return true, stderr.String()
	}
	if err != nil {
		t.Fatalf("%q: %v, %s", args, err, stderr.String())
	}
	return false, stderr.String()
}

// intact checks that all files of a folder are whole that have their names.
func intact(t *testing.T, out string) {
	t.Helper()
	weights, _ := filepath.Glob(filepath.Join(out, "*.safetensors"))
	for _, path := range weights {
		net, err := model.Open(path, model.Spec{}, model.Options{Kernels: "fused", Device: "cpu"})
		if err != nil {
			t.Error(err)
			continue
		}
		net.Close()
	}
	checkpoints, _ := filepath.Glob(filepath.Join(out, "checkpoints", "*.safetensors"))
	for _, path := range checkpoints {
		if _, err := train.ReadCheckpoint(path); err != nil {
			t.Error(err)
		}
	}
	if dir := runs.Dir(out); dir.Exists() {
		if err := dir.ReadConfig(new(map[string]any)); err != nil {
			t.Error(err)
		}
	}
}

// Another process knows of a run that is killed, at once, that it no longer runs, and what it did until then.
func TestAKilledRunIsSeenToHaveStopped(t *testing.T) {
	t.Parallel()
	cmd := command(t, "train", "--data", smallData(t, 640, 100), "--device=cpu", "--threads=1", "--no-progress", "--epochs=100000", "--out=run")
	_, stderr := epochTwo(t, cmd)
	dir := runs.Dir(filepath.Join(cmd.Dir, "run"))
	if state := dir.State(); state.Name != runs.StateRunning || state.At.IsZero() {
		t.Errorf("while it runs: %+v, %s", state, stderr.String())
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if state := dir.State(); state.Name != runs.StateStopped {
		t.Errorf("killed: %+v", state)
	}
	epochs, _, err := dir.Epochs()
	if err != nil || len(epochs) < 2 {
		t.Fatalf("%d epochs, error %v", len(epochs), err)
	}
	if _, stderr, code := from(t, cmd.Dir, "train", "--resume=run", fmt.Sprint("--epochs=", len(epochs)+2)); code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	lines, cut, err := dir.Progress()
	if err != nil || cut != nil || dir.State().Name != runs.StateEnded {
		t.Fatalf("cut %v, error %v, state %+v", cut, err, dir.State())
	}
	ends := 0
	for _, p := range lines {
		if p.Images == p.Of {
			ends++
			if p.Epoch != ends {
				t.Errorf("the end of epoch %d is line %+v", ends, p)
			}
		}
	}
	if ends != len(epochs)+2 {
		t.Errorf("%d epochs ended, want %d", ends, len(epochs)+2)
	}
}

// A signal that comes while a checkpoint is written, as they are all the time here, and a second one, which ends the process at once.
func TestASignalDuringACheckpointLosesNothing(t *testing.T) {
	t.Parallel()
	data := smallData(t, 640, 100)
	args := []string{"train", "--data", data, "--device=cpu", "--threads=1", "--no-progress", "--epochs=100000", "--checkpoint-every=1steps"}
	for i := range kills(t) / 5 {
		out := filepath.Join(t.TempDir(), "run")
		cmd := command(t, append(args, "--out", out)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, stdout, "epoch 1,", &stderr)
		go func() { _, _ = io.Copy(io.Discard, stdout) }()
		for !runs.Dir(out).HasCheckpoints() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(50 * time.Millisecond))))
		for range 1 + i%2 {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			time.Sleep(time.Duration(rand.Int64N(int64(5 * time.Millisecond))))
		}
		_ = cmd.Wait()
		if i%2 == 0 && (cmd.ProcessState.ExitCode() != 143 || !strings.HasSuffix(stderr.String(), "continue with lenet train --resume "+out+"\n")) {
			t.Errorf("exit code %d, standard error %q", cmd.ProcessState.ExitCode(), stderr.String())
		}
		intact(t, out)
		checkpoints, err := runs.Dir(out).Checkpoints()
		if err != nil || len(checkpoints) == 0 {
			t.Errorf("%d checkpoints, error %v", len(checkpoints), err)
		}
	}
}
