package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lenet/runs"
	"lenet/train"
)

// A run is repeated from its config.json to the bit, in a folder of its own; flags given beside it win.
func TestConfigRepeatsARun(t *testing.T) {
	t.Parallel()
	lenet := func(t *testing.T, args ...string) (stdout, stderr string, code int) {
		t.Helper()
		cmd := command(t, args...)
		cmd.Env = append(cmd.Env, "LENET_DEVICE=cuda:9") // the file's device wins
		return outcome(t, cmd)
	}
	out := filepath.Join(t.TempDir(), "run")
	args := []string{"train", "--data", smallData(t, 60, 10), "--device=cpu", "--threads=1", "--recipe=fast", "--epochs=2", "--activation=tanh", "--betas=0.5,0.75", "--validation=10", "--seed=7", "--out", out}
	if _, stderr, code := lenet(t, args...); code != 0 {
		t.Fatal(stderr)
	}
	again := func(name string, more ...string) (*train.Config, []byte) {
		t.Helper()
		dir := runs.Dir(filepath.Join(filepath.Dir(out), name))
		if _, stderr, code := lenet(t, append([]string{"train", "--config", filepath.Join(out, "config.json"), "--out", string(dir)}, more...)...); code != 0 {
			t.Fatal(stderr)
		}
		config, err := train.ReadConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		weights, err := os.ReadFile(dir.Weights())
		if err != nil {
			t.Fatal(err)
		}
		return config, weights
	}
	want, err := os.ReadFile(runs.Dir(out).Weights())
	if err != nil {
		t.Fatal(err)
	}
	if _, weights := again("again"); !bytes.Equal(weights, want) {
		t.Error("the repeated run has other weights")
	}
	config, weights := again("other", "--seed=8", "--activation=relu")
	if bytes.Equal(weights, want) || config.Seed != 8 || config.Validation != 10 || config.Activation != "relu" || config.Epochs != 2 {
		t.Errorf("with --seed 8 and --activation relu: %+v", config.Options)
	}

	// Without --out the run goes to a new folder, and not to the old one.
	stdout, stderr, code := lenet(t, "train", "--config", filepath.Join(out, "config.json"), "--epochs=1")
	if code != 0 || !strings.Contains(stdout, "saved in runs/2") {
		t.Errorf("exit code %d, standard error %q, output %q", code, stderr, stdout)
	}
	sweep := filepath.Join(t.TempDir(), "sweep.json")
	if err := os.WriteFile(sweep, []byte(`{"lr": "0.1,0.2", "epochs": 3}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--config=nowhere.json"}, "lenet: --config cannot be used: runs: no run or sweep: open nowhere.json: no such file"},
		{[]string{"--config", os.Args[0]}, "does not hold the options of a run"},
		{[]string{"--config", sweep}, "lenet: --config cannot be used: runs: " + sweep},
		{[]string{"--config", out, "--recipe=fast"}, "lenet: --recipe and --config do not go together"},
		{[]string{"--config", out, "--lr=0"}, "lenet: --lr is 0"},
	} {
		if _, stderr, code := lenet(t, append([]string{"train"}, c.args...)...); code != exitUsage || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, standard error %q, want %q", c.args, code, stderr, c.want)
		}
	}
}
