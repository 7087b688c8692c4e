//go:build tensorboard

package tensorboard

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"testing"
)

// With the tag tensorboard, the real TensorBoard reads what is written: `make tensorboard`. PYTHON has it.
func TestTensorBoardReadsTheScalars(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= 3; step++ {
		if err := w.Scalars(step, map[string]float64{"loss/train": 1 / float64(step), "accuracy/test": 0.9 + float64(step)/100}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), os.Getenv("PYTHON"), "-c", `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]).Reload()
print(json.dumps({tag: [[e.step, e.value] for e in a.Scalars(tag)] for tag in a.Tags()["scalars"]}))
`, dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	var scalars map[string][][2]float64
	if err := json.Unmarshal(out, &scalars); err != nil {
		t.Fatal(err)
	}
	if len(scalars) != 2 {
		t.Errorf("TensorBoard reads %v", scalars)
	}
	for tag, want := range map[string]func(step float64) float64{
		"loss/train":    func(step float64) float64 { return 1 / step },
		"accuracy/test": func(step float64) float64 { return 0.9 + step/100 },
	} {
		if len(scalars[tag]) != 3 {
			t.Errorf("%s has %d values", tag, len(scalars[tag]))
		}
		for i, point := range scalars[tag] {
			if point[0] != float64(i+1) || math.Abs(point[1]-want(point[0])) > 1e-6 {
				t.Errorf("%s: %v", tag, point)
			}
		}
	}
}
