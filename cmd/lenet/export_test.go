package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExportWritesBesideTheWeightsOrWhereItIsTold(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	do := func(args ...string) (stdout, stderr string, code int) {
		t.Helper()
		return from(t, here, append(args, "--device=cpu")...)
	}
	if _, stderr, code := do("train", "--data", smallData(t, 60, 10), "--epochs=1", "--out=runs/one"); code != 0 {
		t.Fatal(stderr)
	}
	weights, err := os.ReadFile(filepath.Join(here, "runs/one/model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(here, "mine.safetensors"), weights, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		file string
		says string
	}{
		{nil, "runs/one/model.onnx", "images, float32 [N, 1, 28, 28] of 0 to 1 -> logits, float32 [N, 10]"},
		{[]string{"--model=runs/one"}, "runs/one/model.onnx", "logits"}, // again: it is replaced
		{[]string{"--model=mine.safetensors"}, "mine.onnx", "logits"},
		{[]string{"--model=runs/one", "--input=uint8", "--softmax", "--out=made/too/digits.onnx"}, "made/too/digits.onnx", "images, uint8 [N, 1, 28, 28] of 0 to 255 -> probabilities"},
		{[]string{"--model=runs/one", "--quantize=int8", "--out=small.onnx"}, "small.onnx", " with float32 weights, 0."},
	} {
		stdout, stderr, code := do(append([]string{"export"}, c.args...)...)
		if code != 0 || !strings.HasPrefix(stdout, "wrote "+c.file+" (") || !strings.Contains(stdout, c.says) {
			t.Errorf("%q: exit code %d, %s%s", c.args, code, stdout, stderr)
		}
		if info, err := os.Stat(filepath.Join(here, c.file)); err != nil || info.Size() < int64(len(weights)/4) {
			t.Errorf("%q: %v, error %v", c.args, info, err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--format=gguf"}, exitUsage, `--format is "gguf" and must be onnx`},
		{[]string{"--input=int4"}, exitUsage, `--input is "int4" and must be float32 or uint8`},
		{[]string{"--quantize=int4"}, exitUsage, `--quantize is "int4" and must be int8`},
		{[]string{"--out=runs/one/model.safetensors"}, exitUsage, "--out is the weights file itself"},
		{[]string{"--out=mine.safetensors/x.onnx"}, exitFailure, "give another --out"},
		{[]string{"--model=runs/one/model.onnx"}, exitFailure, "it is an ONNX model"},
		{[]string{"--model=runs"}, exitFailure, "holds no trained network"},
	} {
		if _, stderr, code := do(append([]string{"export"}, c.args...)...); code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, code, stderr)
		}
	}
	if now, err := os.ReadFile(filepath.Join(here, "runs/one/model.safetensors")); err != nil || string(now) != string(weights) {
		t.Errorf("the weights changed; error %v", err)
	}
}
