package tune

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lenet/torchx"
	"lenet/train"
)

// A Trial is one training of a sweep and its outcome; it is a line of tune.jsonl. A later line of the same trial replaces an earlier one.
type Trial struct {
	Number int `json:"trial"` // from 1, in the sweep's order
	train.Setting
	Metrics []train.Metrics `json:"metrics"`         // one for each epoch
	Seconds float64         `json:"seconds"`         // of training and testing, all epochs
	Failed  string          `json:"error,omitempty"` // why it ended early
}

// Validation and Test return the accuracies after the last epoch, or 0 if the trial failed.
func (t *Trial) Validation() float64 { return t.last().ValidationAccuracy }
func (t *Trial) Test() float64       { return t.last().TestAccuracy }

func (t *Trial) last() train.Metrics {
	if t.Failed != "" || len(t.Metrics) == 0 {
		return train.Metrics{}
	}
	return t.Metrics[len(t.Metrics)-1]
}

// TrainAccuracy returns the training accuracy, averaged over the epochs as in the original report.
func (t *Trial) TrainAccuracy() float64 {
	sum := 0.0
	for _, m := range t.Metrics {
		sum += m.TrainAccuracy
	}
	return sum / float64(max(1, len(t.Metrics)))
}

// A trial is a Trial in progress.
type trial struct {
	Trial
	dropped bool
	session *train.Session
	trained int // epochs that the session has trained
}

// advance trains the trial up to a number of epochs. A trial that was interrupted in between has lost its session and is trained again from the
// start; epochs that it had recorded are not recorded again.
func (t *trial) advance(ctx context.Context, s *sweep, epochs int) error {
	if t.Failed != "" || len(t.Metrics) >= epochs {
		return nil
	}
	if t.session == nil {
		session, err := train.NewSession(s.options.trial(t.Setting), s.data, s.report.Log)
		if err != nil {
			return err
		}
		t.session = session
		if s.options.CarryOver && t.Number > 1 {
			if err := session.Net.Load(s.weights(t.Number - 1)); err != nil {
				return err
			}
		}
	}
	for t.trained < epochs {
		m, err := t.session.Epoch(ctx, t.trained+1, func(torchx.Sums) {})
		if errors.Is(err, train.ErrDiverged) {
			s.update(func() { t.Failed = err.Error() })
			break
		}
		if err != nil {
			return err
		}
		if t.trained++; t.trained > len(t.Metrics) {
			s.update(func() {
				t.Metrics = append(t.Metrics, m)
				t.Seconds += m.TrainSeconds + m.EvalSeconds
			})
		}
	}
	if s.options.CarryOver {
		if t.Failed != "" {
			return fmt.Errorf("tune: trial %d, whose weights the next one begins with: %s", t.Number, t.Failed)
		}
		if err := t.session.Save(s.weights(t.Number)); err != nil {
			return err
		}
	}
	return s.record(&t.Trial)
}

func (t *trial) close() {
	if t.session != nil {
		t.session.Close()
		t.session, t.trained = nil, 0
	}
}

// The files of a sweep's folder.
const (
	ConfigFile = train.ConfigFile
	TrialsFile = "tune.jsonl"
)

// readTrials returns the trials of a folder by number, the last line of each. A last line that was cut off is left out.
func readTrials(dir string) (map[int]Trial, error) {
	file, err := os.Open(filepath.Join(dir, TrialsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tune: %w", err)
	}
	defer file.Close()
	trials := map[int]Trial{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var t Trial
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return trials, nil // cut off
		}
		trials[t.Number] = t
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("tune: %s: %w", file.Name(), err)
	}
	return trials, nil
}

// writeTrials writes all trials that have epochs, in their order, in place of what the file holds.
func (s *sweep) writeTrials() error {
	var text []byte
	for _, t := range s.trials {
		if len(t.Metrics) == 0 && t.Failed == "" {
			continue
		}
		line, err := json.Marshal(&t.Trial)
		if err != nil {
			return fmt.Errorf("tune: %w", err)
		}
		text = append(append(text, line...), '\n')
	}
	return writeFile(filepath.Join(s.dir, TrialsFile), text)
}
