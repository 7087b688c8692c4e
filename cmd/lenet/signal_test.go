package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lenet/runs"
)

// epochTwo starts a run that ends only when it is told to, and returns in its second epoch what it prints.
func epochTwo(t *testing.T, cmd *exec.Cmd) (stdout io.Reader, stderr *bytes.Buffer) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, stdout, "epoch 2,", stderr)
	return stdout, stderr
}

func waitFor(t *testing.T, stdout io.Reader, want string, stderr *bytes.Buffer) {
	t.Helper()
	seen := ""
	for buffer := make([]byte, 4096); !strings.Contains(seen, want); {
		n, err := stdout.Read(buffer)
		if seen += string(buffer[:n]); err != nil {
			t.Fatalf("it ended early: %v, %s, %s", err, seen, stderr.String())
		}
	}
}

// ended checks that a run ends with this exit code, with its weights saved.
func ended(t *testing.T, cmd *exec.Cmd, stdout io.Reader, stderr *bytes.Buffer, want int) {
	t.Helper()
	deadline := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	_, _ = io.Copy(io.Discard, stdout)
	_ = cmd.Wait()
	deadline.Stop()
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Errorf("%q: exit code %d, want %d", cmd.Args, code, want)
	}
	if line := stderr.String(); strings.Count(line, "lenet:") != 1 || !strings.Contains(line, "; continue with lenet train --resume run\n") {
		t.Errorf("want %d: standard error %q", want, line)
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, runs.Dir("run").Weights())); err != nil {
		t.Errorf("want %d: %v", want, err)
	}
}

func endless(t *testing.T) *exec.Cmd {
	t.Helper()
	return command(t, "train", "--data", smallData(t, 200, 20), "--epochs=100000", "--device=cpu", "--threads=1", "--out=run")
}

func TestSignalsFinishTheStepSaveAndExit(t *testing.T) {
	t.Parallel()
	for stop, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		if signal.Ignored(stop) { // as where the tests run below nohup
			continue
		}
		cmd := endless(t)
		stdout, stderr := epochTwo(t, cmd)
		if _, line, code := from(t, cmd.Dir, "train", "--data", smallData(t, 20, 5), "--device=cpu", "--out=run", "--force"); code != exitFailure || !strings.Contains(line, "another process is writing to run") {
			t.Errorf("a second run in its folder: exit code %d, standard error %q", code, line)
		}
		if err := cmd.Process.Signal(stop); err != nil {
			t.Fatal(err)
		}
		ended(t, cmd, stdout, stderr, want)
	}
}

// A terminal that is closed may be told twice.
func TestASecondHangupDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here")
	}
	cmd := endless(t)
	stdout, stderr := epochTwo(t, cmd)
	for range 20 {
		_ = cmd.Process.Signal(syscall.SIGHUP)
		time.Sleep(100 * time.Microsecond)
	}
	ended(t, cmd, stdout, stderr, 129)
}

func TestAHangupThatIsIgnoredStaysSo(t *testing.T) {
	t.Parallel()
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip(err)
	}
	cmd := endless(t)
	cmd.Path, cmd.Args = nohup, append([]string{"nohup", cmd.Path}, cmd.Args[1:]...)
	stdout, stderr := epochTwo(t, cmd)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		waitFor(t, stdout, "epoch ", stderr)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended(t, cmd, stdout, stderr, 143)
}
