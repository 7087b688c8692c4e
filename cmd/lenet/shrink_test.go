package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/runs"
)

// The images of a set of plain IDX files are read where they are: by the kernels' threads, by libtorch's, or, if they are augmented, by Go.
func TestADataFileThatShrinksEndsTheRunAsAnError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		args       []string
	}{
		{"fused kernels", datasettest.TrainImages, []string{"train", "--threads=2"}},
		{"reference kernels", datasettest.TrainImages, []string{"train", "--threads=2", "--kernels=reference"}},
		{"augmented", datasettest.TrainImages, []string{"train", "--augment=shift=1"}},
		{"test images", datasettest.TestImages, []string{"train"}},
		{"labels", datasettest.TrainLabels, []string{"train"}},
		{"sweep", datasettest.TrainImages, []string{"tune", "--lr=0.1,0.2", "--validation=100"}},
	} {
		data := smallData(t, 6000, 1000)
		cmd := command(t, append(c.args, "--data", data, "--epochs=100000", "--batch-size=100", "--device=cpu", "--out=run")...)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until := map[string]string{"train": "epoch 2,", "tune": "trials on cpu"}[c.args[0]]
		seen := ""
		for buffer := make([]byte, 4096); !strings.Contains(seen, until); {
			n, err := stdout.Read(buffer)
			if seen += string(buffer[:n]); err != nil {
				t.Fatalf("%s: it ended early: %v, %s, %s", c.name, err, seen, stderr.String())
			}
		}
		path := filepath.Join(data, c.file)
		if err := os.Truncate(path, 16); err != nil {
			t.Fatal(err)
		}
		deadline := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
		deadline.Stop()
		text := stderr.String()
		if code := cmd.ProcessState.ExitCode(); code != exitFailure || strings.Count(text, "\n") != 1 || !strings.Contains(text, path+" became shorter") {
			t.Errorf("%s: exit code %d, standard error %.300q", c.name, code, text)
		}
		if c.args[0] == "train" {
			net, err := model.Open(runs.Dir(filepath.Join(cmd.Dir, "run")).Weights(), model.Spec{}, model.Options{Kernels: "fused", Device: "cpu"})
			if err != nil {
				t.Errorf("%s: the weights: %v", c.name, err)
				continue
			}
			net.Close()
		}
	}
}

// The output is complete where only the pictures cannot be written. Root may write everywhere: a folder in a picture's place stands for one that
// cannot be written.
func TestWhatCannotBeWrittenIsSaidWithOut(t *testing.T) {
	run := learnt(t)
	for _, name := range []string{"confusion.png", "mistakes.png", "report.html"} {
		if err := os.MkdirAll(filepath.Join(run, name, "occupied"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := inProcess(t, "eval", "--device=cpu", "--model", run)
	if code != 0 || !strings.Contains(stdout, "test acc") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "the pictures were not written") || !strings.Contains(stderr, "name another folder with --out") {
		t.Errorf("eval: exit code %d, standard error %q, output %q", code, stderr, stdout)
	}
	if _, stderr, code := inProcess(t, "eval", "--device=cpu", "--model", run, "--out", run); code != exitFailure {
		t.Errorf("eval --out: exit code %d, standard error %q", code, stderr)
	}
	if stdout, stderr, code := inProcess(t, "report", "--device=cpu", run); code != exitFailure || stdout != "" || !strings.Contains(stderr, "report.html") || !strings.HasSuffix(stderr, "; give another --out\n") {
		t.Errorf("report: exit code %d, standard error %q", code, stderr)
	}
	if stdout, stderr, code := inProcess(t, "report", "--device=cpu", run, "--out=new/page.html"); code != 0 || stdout != "wrote new/page.html\n" {
		t.Errorf("report --out: exit code %d, standard error %q", code, stderr)
	}
}
