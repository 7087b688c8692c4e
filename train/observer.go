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
// A run tells its observers in a fixed order: its own first (status.json, early stopping, metrics.jsonl, progress.jsonl, weights and checkpoints, TensorBoard), then the caller's as they were
// given. End is called in the reverse order, for each observer whose Start was called, however the run ended. An error of an observer ends
// the run. Weights and checkpoints are written in the background: those of an epoch are there when [Run] has returned, and not always in Epoch.
type Observer interface {
	Start(r *Running) error                  // the network has its weights, and the folder its config.json; r.Summary has the epochs before a Resume
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
	all := []Observer{statusWriter{}} // first, so that it hears last how the run ended
	if r.Options.EarlyStop > 0 {
		all = append(all, earlyStopper{}) // before the others, so that it has the last word: the weights that it names are there
	}
	all = append(all, metricsWriter{}, &progressWriter{}, &r.keeper)
	if r.Options.TensorBoard {
		all = append(all, &eventWriter{})
	}
	return all
}

// A metricsWriter writes metrics.jsonl.
type metricsWriter struct{ BaseObserver }

// Start leaves the lines of the epochs that are done: a run that was killed may have more, or part of one.
func (metricsWriter) Start(r *Running) error {
	if len(r.Summary.Epochs) == 0 {
		return r.Dir.RemoveEpochs()
	}
	return r.Dir.WriteEpochs(r.Summary.Epochs)
}

func (metricsWriter) Epoch(r *Running, e metrics.Epoch) error { return r.Dir.AppendEpoch(e) }

// An eventWriter writes an event file for TensorBoard.
type eventWriter struct {
	BaseObserver
	file *tensorboard.Writer
}

// Start writes the epochs that are done, in place of what a run that was killed has written: it may have more.
func (w *eventWriter) Start(r *Running) (err error) {
	if err := r.Dir.RemoveEvents(); err != nil {
		return err
	}
	if w.file, err = tensorboard.Create(string(r.Dir)); err != nil {
		return err
	}
	for _, e := range r.Summary.Epochs {
		if err := w.Epoch(r, e); err != nil {
			return err
		}
	}
	return nil
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
		r.Log(fmt.Sprintf("stopped early: no better validation accuracy than epoch %d's, whose weights are in %s", r.Summary.BestEpoch, r.Dir.BestWeights()))
	}
	return nil
}

// stale says that there were too many epochs since the best one.
func stale(r *Running) bool {
	return r.Options.EarlyStop > 0 && len(r.Summary.Epochs)-r.Summary.BestEpoch >= r.Options.EarlyStop
}
