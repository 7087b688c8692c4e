package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are the packages from the top to the bottom: each may import only those in lines below its own, and what is named behind it.
var layers = [][]string{
	{"cmd/lenet", "examples/classify"},
	{"serve"},
	{"report"},
	{"tune"},
	{"train", "predict", "export"}, // none of them another
	{"model", "optim", "runs"},
	{"compute", "tensorboard", "dataset", "metrics", "figure"},
	{"option", "torchx", "picture", "statedict", "export/onnx", "web"},
}

// forbidden are arrows that point down and are not wanted all the same.
var forbidden = map[string][]string{
	"predict": {"tensorboard", "optim"},
	"model":   {"dataset", "metrics", "figure", "tensorboard"},
	"optim":   {"dataset", "metrics", "figure", "tensorboard", "compute"},
	"dataset": {"torchx"},
}

// Nothing imports upward, and prediction needs neither the training loop nor TensorBoard.
func TestImportsPointOneWay(t *testing.T) {
	layer := map[string]int{}
	for i, names := range layers {
		for _, name := range names {
			layer[name] = i
		}
	}
	list := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "lenet/...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "lenet/")
		if name == "badfile" || name == "dataset/datasettest" || name == "torchx/reference" || name == "picture/hands" { // of tests alone
			continue
		}
		from, known := layer[name]
		if !known {
			t.Errorf("%s has no place among the layers", name)
		}
		seen++
		for _, path := range fields[1:] {
			imported, ours := strings.CutPrefix(path, "lenet/")
			if !ours {
				continue
			}
			if to, known := layer[imported]; !known || to <= from || slices.Contains(forbidden[name], imported) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
	if seen != len(layer) {
		t.Errorf("%d packages, and the layers have %d", seen, len(layer))
	}
}
