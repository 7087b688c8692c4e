//go:build readers

package readers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lenet/dataset/datasettest"
	"lenet/predict"
)

// blocks returns the blocks of a language in docs/export.md.
func blocks(t *testing.T, language string) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "```") {
		if code, ok := strings.CutPrefix(part, language+"\n"); ok && i%2 == 1 {
			all = append(all, code)
		}
	}
	return all
}

// exportedRun makes the run runs/fast in a folder, and its model.onnx.
func exportedRun(t *testing.T, here string) (run string) {
	t.Helper()
	do(t, here, program, "train", "--recipe=fast", "--device=cpu", "--no-progress", "--out=runs/fast")
	do(t, here, program, "export", "--model=runs/fast", "--device=cpu")
	return filepath.Join(here, "runs", "fast")
}

func TestTheLineThatTurnsAnExportedNetworkBackGivesItsWeights(t *testing.T) {
	here := t.TempDir()
	run := exportedRun(t, here)
	if err := os.Rename(filepath.Join(run, "model.onnx"), filepath.Join(here, "mine.onnx")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "eval", "--model=mine.onnx", "--device=cpu")
	cmd.Dir = here
	out, err := cmd.CombinedOutput()
	_, line, found := strings.Cut(string(out), "python3 -c '")
	if err == nil || !found {
		t.Fatalf("error %v, %s", err, out)
	}
	line, _, _ = strings.Cut(line, "'")
	do(t, here, python, "-c", line)
	_, test := datasettest.MNIST(t)
	a, b := new(network), new(network)
	want := a.run(t, run, predict.Defaults(), test.Images, false)
	if got := b.run(t, filepath.Join(here, "mine.safetensors"), predict.Defaults(), test.Images, false); !slices.Equal(got, want) || a.spec != b.spec {
		t.Errorf("the logits differ, or %+v and %+v", a.spec, b.spec)
	}
}

func TestTheProgramsOfTheDocsClassify(t *testing.T) {
	here := t.TempDir()
	training, test := datasettest.MNIST(t)
	if err := os.Rename(filepath.Join(datasettest.Dir(t, datasettest.First(training, 10), test), datasettest.TestImages), filepath.Join(here, datasettest.TestImages)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(here, "node_modules")); err != nil {
		t.Fatal(err)
	}
	exportedRun(t, here)
	logits := new(network).run(t, filepath.Join(here, "runs", "fast"), predict.Defaults(), test.Images[:9*28*28], false)
	var want []string
	for i := 0; i < len(logits); i += 10 {
		best := 0
		for j, v := range logits[i:][:10] {
			if v > logits[i+best] {
				best = j
			}
		}
		want = append(want, fmt.Sprint(best))
	}
	count := 0
	for _, l := range []struct{ language, interpreter, file string }{{"python", python, "program.py"}, {"js", node, "program.mjs"}} {
		for _, code := range blocks(t, l.language) {
			write(t, filepath.Join(here, l.file), []byte(code))
			printed := do(t, here, l.interpreter, l.file)
			digits := strings.FieldsFunc(printed, func(r rune) bool { return r < '0' || r > '9' })
			if strings.Join(digits, " ") != strings.Join(want, " ") {
				t.Errorf("%s\nprints %s, want %s", code, printed, want)
			}
			count++
		}
	}
	if count != 3 {
		t.Errorf("%d programs", count)
	}
}
