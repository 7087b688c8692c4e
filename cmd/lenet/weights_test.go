package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lenet/runs"
)

// rewrite changes the header and the values of a weights file.
func rewrite(t *testing.T, path string, change func(header map[string]json.RawMessage, data []byte)) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]json.RawMessage
	size := binary.LittleEndian.Uint64(file)
	if err := json.Unmarshal(file[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	data := file[8+size:]
	change(header, data)
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file = append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), data...)
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
}

func withoutMetadata(header map[string]json.RawMessage, _ []byte) { delete(header, "__metadata__") }

// A network with ReLU that is taken for one with sigmoid still runs, and is wrong nine times of ten.
func TestWeightsWithoutMetadataAreNeverTakenForSigmoid(t *testing.T) {
	run := learnt(t)
	data := filepath.Join(shared, "data")
	eval := func(path string, more ...string) (string, string, int) {
		t.Helper()
		return inProcess(t, append([]string{"eval", "--device=cpu", "--data", data, "--json", "--model", path}, more...)...)
	}
	accuracy := func(stdout string) (a float64) {
		t.Helper()
		var result struct{ Accuracy float64 }
		if err := json.Unmarshal([]byte(stdout), &result); err != nil {
			t.Fatal(err)
		}
		return result.Accuracy
	}
	stdout, stderr, code := eval(run)
	if code != 0 || stderr != "" {
		t.Fatal(stderr)
	}
	want := accuracy(stdout)
	rewrite(t, runs.Dir(run).Weights(), withoutMetadata)

	stdout, stderr, code = eval(run)
	if code != 0 || accuracy(stdout) != want || !strings.Contains(stderr, "does not say its activation; the config.json beside it says relu") {
		t.Errorf("with config.json: exit code %d, standard error %q, %s", code, stderr, stdout)
	}
	config, err := os.ReadFile(runs.Dir(run).Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, config, want string }{
		{"no config.json", "", "the file does not say the network's activation; give --activation"},
		{"one that does not say it", `{"epochs": 3}`, "the file does not say the network's activation; give --activation"},
		{"a sweep's", `{"activation": "relu,tanh", "jobs": 1}`, "the file does not say the network's activation; give --activation"},
		{"another program's", `{"activation": 3, "network": "lenet"}`, "the file does not say the network's activation; give --activation"},
		{"another network's", strings.Replace(string(config), "120", "100", 1), "describes another network: 6 and 16 channels, 100 and 84 hidden units, 10 classes, not 6 and 16 channels, 120"},
	} {
		if err := os.WriteFile(runs.Dir(run).Config(), []byte(c.config), 0o666); err != nil {
			t.Fatal(err)
		}
		if c.config == "" {
			if err := os.Remove(runs.Dir(run).Config()); err != nil {
				t.Fatal(err)
			}
		}
		if stdout, stderr, code := eval(run); code != exitFailure || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "give --activation") || stdout != "" {
			t.Errorf("%s: exit code %d, standard error %q, output %q", c.name, code, stderr, stdout)
		}
		stdout, stderr, code := eval(run, "--activation=relu")
		if code != 0 || accuracy(stdout) != want {
			t.Errorf("%s, with --activation: exit code %d, standard error %q", c.name, code, stderr)
		}
	}
}

func TestWeightsThatAreNotFiniteEndEveryCommandInOneLine(t *testing.T) {
	run := learnt(t)
	data := filepath.Join(shared, "data")
	rewrite(t, runs.Dir(run).Weights(), func(_ map[string]json.RawMessage, data []byte) {
		binary.LittleEndian.PutUint32(data, math.Float32bits(float32(math.NaN())))
	})
	for _, args := range [][]string{{"eval", "--data", data, "--model", run}, {"report", run}, {"predict", "--data", data, "--model", run}} {
		stdout, stderr, code := inProcess(t, append(args, "--device=cpu")...)
		isOneLine(t, stdout, stderr, code, exitFailure, "are NaN or infinite; the training that wrote it diverged")
	}
	// The values are finite, and what the network computes from them is not.
	run = learnt(t)
	rewrite(t, runs.Dir(run).Weights(), func(_ map[string]json.RawMessage, data []byte) {
		for i := 0; i < len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], math.Float32bits(1e30))
		}
	})
	for _, args := range [][]string{{"eval", "--data", data, "--model", run}, {"report", run}, {"predict", "--data", data, "--model", run}} {
		stdout, stderr, code := inProcess(t, append(args, "--device=cpu")...)
		isOneLine(t, stdout, stderr, code, exitFailure, "is not finite: its weights are too large")
	}
}
