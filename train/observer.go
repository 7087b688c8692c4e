package train

import (
	"errors"
	"fmt"

	"lenet/metrics"
	"lenet/tensorboard"
	"lenet/torchx"
)

// An Observer is told how a run goes, on the goroutine that trains.
//
// A run tells its observers in a fixed order: its own first (weights, metrics.jsonl, TensorBoard, early stopping), then the caller's as they were
// given. End is called in the reverse order, for each observer whose Start was called, however the run ended. An error of an observer ends
// the run.
type Observer interface {
	Start(r *Running) error                  // the network has its weights, and the folder its config.json
	Step(r *Running, s Step) error           // after each step, on a GPU after all steps of an epoch
	Epoch(r *Running, e metrics.Epoch) error // an epoch is done, and is part of r.Summary
	End(r *Running, err error) error         // with the error that ended the run, or nil
}

// A Step is how far an epoch is.
type Step struct {
	Epoch int         // from 1
	Sums  torchx.Sums // of the epoch until now
}

// ErrStop, as the error of an observer's Epoch (and of no other of its methods), ends the run after this epoch as if it had been the last one. The
// observers after this one still hear of the epoch.
var ErrStop = errors.New("train: stop after this epoch")

// BaseObserver does nothing. It is embedded in observers that need only some of the calls.
type BaseObserver struct{}

func (BaseObserver) Start(*Running) error                { return nil }
func (BaseObserver) Step(*Running, Step) error           { return nil }
func (BaseObserver) Epoch(*Running, metrics.Epoch) error { return nil }
func (BaseObserver) End(*Running, error) error           { return nil }

// own returns the observers that the run's options ask for.
func (r *Running) own() []Observer {
	all := []Observer{weightsWriter{}, metricsWriter{}}
	if r.Options.TensorBoard {
		all = append(all, &eventWriter{})
	}
	if r.Options.EarlyStop > 0 {
		all = append(all, earlyStopper{})
	}
	return all
}

// A weightsWriter saves the weights of the last epoch or, with early stopping, of the best one.
type weightsWriter struct{ BaseObserver }

func (weightsWriter) Epoch(r *Running, e metrics.Epoch) error {
	if r.Options.EarlyStop > 0 && r.Summary.BestEpoch != e.Number {
		return nil
	}
	return r.Session.Save(r.Dir.Weights())
}

// A metricsWriter writes metrics.jsonl.
type metricsWriter struct{ BaseObserver }

func (metricsWriter) Epoch(r *Running, e metrics.Epoch) error { return r.Dir.AppendEpoch(e) }

// An eventWriter writes an event file for TensorBoard.
type eventWriter struct {
	BaseObserver
	file *tensorboard.Writer
}

func (w *eventWriter) Start(r *Running) (err error) {
	w.file, err = tensorboard.Create(string(r.Dir))
	return err
}

func (w *eventWriter) Epoch(_ *Running, e metrics.Epoch) error {
	values := map[string]float64{}
	for _, v := range e.Values {
		if m, ok := metrics.MeasureOf(v.Name); ok {
			values[m.Tag(v.Split)] = v.Value
		}
	}
	return w.file.Scalars(e.Number, values)
}

func (w *eventWriter) End(*Running, error) error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

// An earlyStopper ends the run after some epochs without a better validation accuracy.
type earlyStopper struct{ BaseObserver }

func (earlyStopper) Epoch(r *Running, _ metrics.Epoch) error {
	if stale(r) {
		return ErrStop
	}
	return nil
}

func (earlyStopper) End(r *Running, err error) error {
	if err == nil && stale(r) {
		r.Log(fmt.Sprintf("stopped early: no better validation accuracy than epoch %d's, whose weights are kept", r.Summary.BestEpoch))
	}
	return nil
}

// stale says that there were too many epochs since the best one.
func stale(r *Running) bool {
	return len(r.Summary.Epochs)-r.Summary.BestEpoch >= r.Options.EarlyStop
}
