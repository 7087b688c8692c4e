package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A tape stands for a graph: it records that a step was captured, which does not do it, and does it when replayed.
type tape func()

func (t tape) Replay() error { t(); return nil }
func (t tape) Close()        {}

func TestStepsRunOnceEachAndAreCapturedByBatchSize(t *testing.T) {
	var events []string
	g := newGraphs(true, func(string) { t.Error("a warning") })
	n := 0
	g.capture = func(step func() error) (captured, error) {
		size := n
		events = append(events, fmt.Sprint("capture ", size))
		return tape(func() { events = append(events, fmt.Sprint("replay ", size)) }), nil
	}
	for _, n = range []int{256, 256, 96, 256, 256, 96, 96} {
		if err := g.run(n, func() error { events = append(events, fmt.Sprint("run ", n)); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"run 256", "run 256", "run 96", "capture 256", "replay 256", "replay 256", "run 96", "capture 96", "replay 96"}
	if !slices.Equal(events, want) {
		t.Errorf("%q, want %q", events, want)
	}
}

func TestAStepThatCannotBeCapturedRunsEagerlyUnlessItMust(t *testing.T) {
	why := errors.New("not permitted")
	for _, required := range []bool{false, true} {
		var warnings []string
		g := newGraphs(required, func(line string) { warnings = append(warnings, line) })
		g.capture = func(func() error) (captured, error) { return nil, why }
		done, failed := 0, error(nil)
		for range 6 {
			if err := g.run(256, func() error { done++; return nil }); err != nil {
				failed = err
				break
			}
		}
		switch {
		case required && (!errors.Is(failed, why) || done != warmUp):
			t.Errorf("required: %v after %d steps", failed, done)
		case !required && (failed != nil || done != 6 || len(warnings) != 1 || !strings.Contains(warnings[0], "not permitted")):
			t.Errorf("%d of 6 steps, %v, warnings %q", done, failed, warnings)
		}
	}
}
