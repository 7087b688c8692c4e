package serve

import (
	"errors"
	"net/http"
	"os"
	"time"

	"lenet/metrics"
	"lenet/runs"
	"lenet/train"
	"lenet/tune"
)

// A Run is a run or a sweep, as the list of runs and GET /api/runs have it.
type Run struct {
	Name         string     `json:"name"` // path below the folder of runs
	Kind         string     `json:"kind"` // "run" or "sweep"
	State        runs.State `json:"state"`
	Started      time.Time  `json:"started"`
	Data         string     `json:"data"`                    // the data set's title
	Epochs       int        `json:"epochs"`                  // of a run: those that are done; of a sweep: the trials
	Of           int        `json:"of,omitempty"`            // of a run: those that it was asked for
	TestAccuracy *float64   `json:"test_accuracy,omitempty"` // of the last epoch; of a sweep's choice
	Best         *float64   `json:"best,omitempty"`          // the highest test accuracy
	Seconds      float64    `json:"seconds"`                 // of training and testing
	Drawable     bool       `json:"drawable"`                // it has weights: its network reads pictures
}

// describe returns what the list says of a folder. What cannot be read is left empty.
func (s *Server) describe(dir runs.Dir) Run {
	r := Run{Name: s.nameOf(dir), Kind: "run", State: dir.State()}
	if dir.IsSweep() {
		s.describeSweep(dir, &r)
		return r
	}
	config, err := train.ReadConfig(dir)
	if err != nil {
		return r
	}
	r.Started, r.Data, r.Of = config.Started, config.Source.Title(), config.Epochs
	epochs, _, _ := dir.Epochs()
	r.Epochs = len(epochs)
	for i := range epochs {
		r.Seconds += epochs[i].Seconds()
		if accuracy, ok := epochs[i].Get(metrics.Test, metrics.Accuracy); ok {
			r.TestAccuracy = &accuracy
			if r.Best == nil || accuracy > *r.Best {
				r.Best = &accuracy
			}
		}
	}
	_, err = os.Stat(dir.Weights())
	r.Drawable = err == nil
	return r
}

func (s *Server) describeSweep(dir runs.Dir, r *Run) {
	r.Kind = "sweep"
	result, config, err := tune.Read(dir, func(string) {})
	if err != nil {
		var options tune.Config
		if dir.ReadConfig(&options) == nil {
			r.Started, r.Data = options.Started, options.Source.Title()
		}
		return
	}
	r.Started, r.Data, r.Epochs, r.Seconds = config.Started, config.Source.Title(), len(result.Trials), result.Seconds
	if best := result.Best(); best != nil {
		if accuracy, _ := best.Mean(tune.Test); !best.Failed() {
			r.TestAccuracy = &accuracy
		}
	}
}

// list returns all runs, the newest first. A folder that is missing has none.
func (s *Server) list() ([]Run, error) {
	dirs, err := runs.List(s.options.Runs)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	all := []Run{}
	for _, dir := range dirs {
		all = append(all, s.describe(dir))
	}
	return all, nil
}

func (s *Server) apiRuns(w http.ResponseWriter, _ *http.Request) error {
	all, err := s.list()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, all)
	return nil
}

// apiRun answers with a run, its options and its epochs, or a sweep and its trials.
func (s *Server) apiRun(w http.ResponseWriter, r *http.Request) error {
	dir, err := s.find(r.PathValue("name"))
	if err != nil {
		return err
	}
	answer := map[string]any{"run": s.describe(dir)}
	var config map[string]any
	if err := dir.ReadConfig(&config); err == nil {
		answer["config"] = config
	}
	if dir.IsSweep() {
		trials, _, err := runs.ReadTrials[map[string]any](dir)
		if err != nil {
			return err
		}
		answer["trials"] = trials
	} else {
		epochs, _, err := dir.Epochs()
		if err != nil {
			return err
		}
		if epochs == nil {
			epochs = []metrics.Epoch{}
		}
		answer["epochs"] = epochs
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// apiNetwork answers with all that a program needs to compute a run's network.
func (s *Server) apiNetwork(w http.ResponseWriter, r *http.Request) error {
	network, release, err := s.networks.get(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	defer release()
	writeJSON(w, http.StatusOK, network.Description())
	return nil
}
