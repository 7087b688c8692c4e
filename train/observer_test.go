package train_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"lenet/metrics"
	"lenet/runs"
	"lenet/train"
)

// A recorder writes down what it is told, and fails where it is asked to.
type recorder struct {
	name, failAt string
	events       *[]string
}

var errRecorder = errors.New("recorder")

func (r recorder) note(event string) error {
	*r.events = append(*r.events, r.name+" "+event)
	if event == r.failAt {
		return errRecorder
	}
	return nil
}

func (r recorder) Start(*train.Running) error { return r.note("start") }
func (r recorder) Step(_ *train.Running, s train.Step) error {
	return r.note(fmt.Sprintf("step %d of %d", s.Sums.Images, s.Epoch))
}
func (r recorder) Epoch(run *train.Running, e metrics.Epoch) error {
	if epochs, _, err := run.Dir.Epochs(); err != nil || len(epochs) != e.Number {
		return fmt.Errorf("%d epochs, error %v", len(epochs), err) // a run's own observers come first
	}
	return r.note(fmt.Sprintf("epoch %d", e.Number))
}
func (r recorder) End(_ *train.Running, err error) error {
	return r.note(fmt.Sprintf("end %v", errors.Is(err, errRecorder)))
}

func TestObserversAreToldInOrder(t *testing.T) {
	for failAt, want := range map[string]string{
		"":             "a start,b start,a step 64 of 1,b step 64 of 1,a step 100 of 1,b step 100 of 1,a epoch 1,b epoch 1,b end false,a end false",
		"start":        "a start,b start,b end true,a end true",
		"step 64 of 1": "a start,b start,a step 64 of 1,b step 64 of 1,b end true,a end true",
		"epoch 1":      "a start,b start,a step 64 of 1,b step 64 of 1,a step 100 of 1,b step 100 of 1,a epoch 1,b epoch 1,b end true,a end true",
		"end false":    "a start,b start,a step 64 of 1,b step 64 of 1,a step 100 of 1,b step 100 of 1,a epoch 1,b epoch 1,b end false,a end true",
	} {
		o := options(t, 100, 10)
		o.Epochs = 1
		var events []string
		_, err := train.Run(t.Context(), o, "test", func(string) {}, recorder{"a", "", &events}, recorder{"b", failAt, &events})
		if errors.Is(err, errRecorder) != (failAt != "") {
			t.Errorf("b fails at %q: error %v", failAt, err)
		}
		if got := strings.Join(events, ","); got != want {
			t.Errorf("b fails at %q:\n%s\nwant\n%s", failAt, got, want)
		}
	}
}

// A stopper ends the run after its first epoch; the observer behind it still hears of that.
type stopper struct{ train.BaseObserver }

func (stopper) Epoch(*train.Running, metrics.Epoch) error { return train.ErrStop }

func TestAnObserverCanStopTheRun(t *testing.T) {
	o := options(t, 64, 10)
	o.Epochs = 9
	var events []string
	s, err := train.Run(t.Context(), o, "test", func(string) {}, stopper{}, recorder{"b", "", &events})
	if err != nil || len(s.Epochs) != 1 || !slices.Contains(events, "b epoch 1") || !slices.Contains(events, "b end false") {
		t.Errorf("%d epochs, %q, error %v", len(s.Epochs), events, err)
	}
}

// A hooker sets a hook on the gradients.
type hooker struct {
	train.BaseObserver
	calls int
	err   error
}

func (h *hooker) Start(r *train.Running) error {
	r.Session.OnGradients(func() error {
		h.calls++
		return h.err
	})
	return nil
}

func TestTheHookRunsBetweenGradientsAndUpdate(t *testing.T) {
	o := options(t, 128, 10)
	h := &hooker{}
	if _, err := train.Run(t.Context(), o, "test", func(string) {}, h); err != nil || h.calls != 4 {
		t.Errorf("%d calls in 4 steps, error %v", h.calls, err)
	}
	trained := weights(t, o)
	o.Out += "-2"
	h = &hooker{err: errRecorder}
	if err := runError(t, t.Context(), o, h); !errors.Is(err, errRecorder) || h.calls != 1 {
		t.Errorf("%d calls, error %v", h.calls, err)
	}
	if len(trained) == 0 {
		t.Error("no weights")
	}
}

// Where the weights of an interrupted epoch cannot be saved, the error says that alone.
func TestAnInterruptedRunThatCannotSaveSaysSo(t *testing.T) {
	o := options(t, 128, 10)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c := &counter{onStep: func() {
		if err := os.RemoveAll(o.Out); err != nil {
			t.Error(err)
		}
		cancel(errRecorder)
	}}
	var interrupted *train.Interrupted
	if err := runError(t, ctx, o, c); errors.As(err, &interrupted) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("error %v", err)
	}
}

func TestAnInterruptedEpochDoesNotReplaceTheBestWeights(t *testing.T) {
	o := options(t, 300, 50)
	o.Validation, o.EarlyStop, o.Epochs = 100, 9, 9
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var best []byte
	c := &counter{}
	c.onStep = func() {
		if c.steps == 5 { // of 4 in an epoch
			for best == nil { // it is written in the background
				best, _ = os.ReadFile(runs.Dir(o.Out).BestWeights())
			}
			cancel(errRecorder)
		}
	}
	if err := runError(t, ctx, o, c); !errors.Is(err, errRecorder) {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(best, read(t, runs.Dir(o.Out).BestWeights())) || bytes.Equal(best, weights(t, o)) {
		t.Error("the best weights are no longer those of the best epoch, or the last ones are still these")
	}
}
