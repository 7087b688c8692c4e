package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lenet/metrics"
	"lenet/runs"
	"lenet/train"
)

// progress returns the lines of a run's progress.jsonl, and checks that they are in the order in which they were written.
func progress(t *testing.T, dir runs.Dir) []metrics.Progress {
	t.Helper()
	lines, cut, err := dir.Progress()
	if err != nil || cut != nil {
		t.Fatalf("cut %v, error %v", cut, err)
	}
	var before metrics.Progress
	for _, p := range lines {
		if p.Epoch < before.Epoch || p.Epoch == before.Epoch && p.Images <= before.Images || p.Seconds < before.Seconds || p.Images > p.Of {
			t.Errorf("%+v after %+v", p, before)
		}
		before = p
	}
	return lines
}

// ends returns the lines at the ends of epochs, and checks that they say what metrics.jsonl does.
func ends(t *testing.T, dir runs.Dir) (all []metrics.Progress) {
	t.Helper()
	epochs, _, err := dir.Epochs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range progress(t, dir) {
		if p.Images < p.Of {
			continue
		}
		all = append(all, p)
		if e := epochs[p.Epoch-1]; p.Loss != e.Of(metrics.Train, metrics.Loss) || p.Accuracy != e.Of(metrics.Train, metrics.Accuracy) {
			t.Errorf("%+v, and the epoch is %+v", p, e)
		}
	}
	if len(all) != len(epochs) {
		t.Errorf("%d epochs, and %d lines at their ends", len(epochs), len(all))
	}
	return all
}

// Steps take 30 ms here.
func TestProgressIsWrittenTenTimesASecondAtMost(t *testing.T) {
	o := options(t, 64*20, 10)
	if _, err := train.Run(t.Context(), o, "test", func(string) {}, &counter{onStep: func() { time.Sleep(30 * time.Millisecond) }}); err != nil {
		t.Fatal(err)
	}
	dir := runs.Dir(o.Out)
	ends(t, dir)
	lines := progress(t, dir)
	if len(lines) < 6 {
		t.Errorf("%d lines in 1.2 s", len(lines))
	}
	before := -1.0
	for _, p := range lines {
		if p.Images < p.Of && p.Seconds-before < 0.1 {
			t.Errorf("line %+v, %.3f s after the one before", p, p.Seconds-before)
		}
		before = p.Seconds
	}
}

func TestLongRunsWriteLessOften(t *testing.T) {
	for elapsed, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, 1000 * time.Second: 100 * time.Millisecond, 5000 * time.Second: 500 * time.Millisecond, 100 * time.Hour: time.Second,
	} {
		if got := train.ProgressInterval(elapsed); got != want {
			t.Errorf("after %v every %v, want %v", elapsed, got, want)
		}
	}
}

func TestAResumedRunKeepsTheProgressOfItsWholeEpochs(t *testing.T) {
	o := options(t, 290, 50) // 5 steps an epoch
	o.Epochs, o.Every = 3, train.Interval{Steps: 1}
	dir := runs.Dir(o.Out)
	ended := interruptedAt(t, 8, func(ctx context.Context, c train.Observer) error {
		_, err := train.Run(ctx, o, "test", func(string) {}, c)
		return err
	})
	if state := dir.State(); ended || state.Name != runs.StateStopped || state.Error != "" {
		t.Errorf("state %+v", state)
	}
	before := ends(t, dir)
	path := filepath.Join(o.Out, "progress.jsonl")
	text := read(t, path)
	text = append(text, `{"epoch":2,"images":64,"of":290,"loss":1,"acc":0.1,"seconds":9999}`+"\n{\"epoch\":"...) // as of one that was killed
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	running := ""
	if err := resume(t.Context(), t, o, &counter{onStep: func() { running = dir.State().Name }}); err != nil {
		t.Fatal(err)
	}
	if state := dir.State(); running != runs.StateRunning || state.Name != runs.StateEnded {
		t.Errorf("while it runs %q, at its end %+v", running, state)
	}
	if after := ends(t, dir); len(after) != 3 || after[0] != before[0] || after[2].Seconds > 1000 {
		t.Errorf("%+v, and before %+v", after, before)
	}
}

func TestHowARunEndedIsOnDisk(t *testing.T) {
	o := options(t, 64, 10)
	if err := runError(t, t.Context(), o, recorder{"b", "epoch 1", new([]string)}); !errors.Is(err, errRecorder) {
		t.Fatal(err)
	}
	if state := runs.Dir(o.Out).State(); state.Name != runs.StateFailed || state.Error != errRecorder.Error() {
		t.Errorf("state %+v", state)
	}
	// One that was killed after its last checkpoint has ended, as Resume finds.
	o.Out += "-2"
	run(t, o)
	dir := runs.Dir(o.Out)
	if err := dir.WriteRunning(); err != nil {
		t.Fatal(err)
	}
	if state := dir.State(); state.Name != runs.StateStopped {
		t.Errorf("killed: state %+v", state)
	}
	if err := resume(t.Context(), t, o); err != nil {
		t.Fatal(err)
	}
	if state := dir.State(); state.Name != runs.StateEnded {
		t.Errorf("resumed: state %+v", state)
	}
}

// A folder in the file's place stands for all that may keep a process from writing it.
func TestARunGoesOnWithoutItsProgress(t *testing.T) {
	o := options(t, 64, 10) // one step an epoch
	path := filepath.Join(o.Out, "progress.jsonl")
	c := &counter{}
	c.onStep = func() {
		if c.steps == 1 {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o777)); err != nil {
				t.Error(err)
			}
		}
	}
	var said []string
	s, err := train.Run(t.Context(), o, "test", func(line string) { said = append(said, line) }, c)
	if err != nil || len(s.Epochs) != 2 || len(said) != 1 || !strings.Contains(said[0], "the progress in "+o.Out+" was not written to its end") {
		t.Errorf("error %v, said %q", err, said)
	}
}
