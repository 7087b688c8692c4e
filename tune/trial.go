package tune

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"lenet/metrics"
	"lenet/runs"
	"lenet/torchx"
	"lenet/train"
)

// A Trial is one training of a sweep and its outcome; it is a line of tune.jsonl. A later line of the same trial replaces an earlier one.
type Trial struct {
	Number int `json:"trial"` // from 1, in the sweep's order
	train.Hyperparameters
	Metrics []metrics.Epoch `json:"metrics"`         // one for each epoch
	Seconds float64         `json:"seconds"`         // of training and testing, all epochs
	Failed  string          `json:"error,omitempty"` // why it ended early
}

// UnmarshalJSON reads a line of tune.jsonl.
func (t *Trial) UnmarshalJSON(text []byte) error {
	type fields Trial
	*t = Trial{}
	if err := json.Unmarshal(text, (*fields)(t)); err != nil {
		return err
	}
	if t.Number < 1 {
		return errors.New("tune: a trial without its number")
	}
	return nil
}

// Validation and Test return the accuracies after the last epoch, or 0 if the trial failed.
func (t *Trial) Validation() float64 { return t.last().Of(metrics.Validation, metrics.Accuracy) }
func (t *Trial) Test() float64       { return t.last().Of(metrics.Test, metrics.Accuracy) }

func (t *Trial) last() *metrics.Epoch {
	if t.Failed != "" || len(t.Metrics) == 0 {
		return &metrics.Epoch{}
	}
	return &t.Metrics[len(t.Metrics)-1]
}

// TrainAccuracy returns the training accuracy, averaged over the epochs as in the original report.
func (t *Trial) TrainAccuracy() float64 {
	sum := 0.0
	for i := range t.Metrics {
		sum += t.Metrics[i].Of(metrics.Train, metrics.Accuracy)
	}
	return sum / float64(max(1, len(t.Metrics)))
}

// A trial is a Trial in progress.
type trial struct {
	Trial
	dropped bool
	session *train.Session
	trained int       // epochs that the session has trained
	saved   time.Time // when its last checkpoint was taken, or its session was made
}

// advance trains the trial up to a number of epochs. A trial that was interrupted in between goes on from its last checkpoint; epochs that it had
// recorded are not recorded again.
func (t *trial) advance(ctx context.Context, s *sweep, epochs int) error {
	if t.Failed != "" || len(t.Metrics) >= epochs {
		return nil
	}
	if t.session == nil {
		if err := t.open(s); err != nil {
			return err
		}
	}
	for t.trained < epochs {
		e, err := t.session.Epoch(ctx, t.trained+1, func(torchx.Sums) error { return nil })
		if errors.Is(err, train.ErrDiverged) {
			s.update(func() { t.Failed = err.Error() })
			break
		}
		if err != nil {
			return err
		}
		if t.trained++; t.trained > len(t.Metrics) {
			s.update(func() {
				t.Metrics = append(t.Metrics, e)
				t.Seconds += e.Seconds()
			})
		}
		if t.trained < s.options.Epochs && s.options.Every.Due(t.session.Steps(), t.trained, t.saved) {
			if err := t.save(s); err != nil {
				return err
			}
		}
	}
	if s.options.CarryOver {
		if t.Failed != "" {
			return fmt.Errorf("tune: trial %d, whose weights the next one begins with: %s", t.Number, t.Failed)
		}
		if err := t.session.Save(s.dir.TrialWeights(t.Number)); err != nil {
			return err
		}
	}
	if err := s.record(&t.Trial); err != nil || epochs < s.options.Epochs && t.Failed == "" {
		return err
	}
	path := s.dir.TrialCheckpoint(t.Number)
	return s.saver.Put(runs.File{Key: path, Path: path}) // removed: nobody goes on with it
}

// open makes the trial's session, which goes on from its checkpoint if there is one.
func (t *trial) open(s *sweep) (err error) {
	o := s.options.trial(t.Hyperparameters)
	if t.session, err = train.NewSession(o, s.data, s.log); err != nil {
		return err
	}
	t.trained, t.saved = 0, time.Now()
	t.session.AfterStep(s.options.Every, func() error {
		if !s.options.Every.Due(t.session.Steps(), 0, t.saved) {
			return nil
		}
		return t.save(s)
	})
	c, err := train.ReadCheckpoint(s.dir.TrialCheckpoint(t.Number))
	switch {
	case err == nil && c.Of(o):
		return t.restore(s, c)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		s.log(fmt.Sprintf("warning: trial %d begins again: %v", t.Number, err))
	}
	if s.options.CarryOver && t.Number > 1 {
		return t.session.Net.Load(s.dir.TrialWeights(t.Number - 1))
	}
	return nil
}

func (t *trial) restore(s *sweep, c *train.Checkpoint) error {
	if _, err := t.session.Restore(&c.State); err != nil {
		return err
	}
	t.trained = len(c.Epochs)
	s.update(func() {
		for _, e := range c.Epochs[min(len(t.Metrics), len(c.Epochs)):] {
			t.Metrics = append(t.Metrics, e)
			t.Seconds += e.Seconds()
		}
	})
	return nil
}

// save has a checkpoint of the trial written.
func (t *trial) save(s *sweep) error {
	state, err := t.session.State()
	if err != nil {
		return err
	}
	t.saved = time.Now()
	c := &train.Checkpoint{
		Config: train.Config{Options: s.options.trial(t.Hyperparameters), Network: t.session.Net.Spec},
		Epochs: slices.Clone(t.Metrics[:t.trained]), State: *state,
	}
	path := s.dir.TrialCheckpoint(t.Number)
	return s.saver.Put(runs.File{Key: path, Path: path, Content: c.Encode})
}

func (t *trial) close() {
	if t.session != nil {
		t.session.Close()
		t.session, t.trained = nil, 0
	}
}

// readTrials returns the trials of a folder by number, the last line of each. log is told of a last line that was cut.
func readTrials(dir runs.Dir, log func(string)) (map[int]Trial, error) {
	lines, cut, err := runs.ReadTrials[Trial](dir)
	if err != nil {
		return nil, err
	}
	if cut != nil {
		log(cut.String())
	}
	trials := map[int]Trial{}
	for _, t := range lines {
		trials[t.Number] = t
	}
	return trials, nil
}

// writeTrials writes all trials that have epochs, in their order, in place of what the file holds.
func (s *sweep) writeTrials() error {
	var trials []*Trial
	for _, t := range s.trials {
		if len(t.Metrics) > 0 || t.Failed != "" {
			trials = append(trials, &t.Trial)
		}
	}
	return runs.WriteTrials(s.dir, trials)
}
