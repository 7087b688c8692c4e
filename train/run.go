// Package train is the training loop: a session that trains a network epoch by epoch, and observers that are told how a run goes.
package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lenet/metrics"
	"lenet/model"
	"lenet/runs"
	"lenet/torchx"
)

// A Config is what a run's config.json holds: all that is needed to repeat it.
type Config struct {
	Options
	Network model.Spec `json:"network"`
	runs.Provenance
}

// ReadConfig returns the options of the run in a folder. An option that it lacks, as one of an old version may, has its default.
//
// Errors: [fs.ErrNotExist].
func ReadConfig(dir runs.Dir) (*Config, error) {
	c := &Config{Options: Defaults()}
	return c, dir.ReadConfig(c)
}

// A Running is a run under way, as its observers see it.
type Running struct {
	Options    Options // resolved
	Dir        runs.Dir
	Session    *Session
	Summary    *Summary // of the epochs so far
	Log        func(string)
	config     Config        // what config.json holds
	resumed    []*Checkpoint // those of the run before a Resume, the newest first
	changed    bool          // the options are not those of the newest
	overridden bool          // they change what is learnt
	keeper     keeper
}

// A Summary is the outcome of a run.
type Summary struct {
	Dir       runs.Dir
	Epochs    []metrics.Epoch // the whole ones
	BestEpoch int             // from 1
	Seconds   float64         // of all epochs
	Profile   Profile         // of all epochs
	Chance    float64         // test accuracy of whoever always answers the most frequent class
}

// LearntNothing says whether the network answers the test set no better than by chance.
func (s *Summary) LearntNothing() bool {
	return s.Final().Of(metrics.Test, metrics.Accuracy) < s.Chance+0.01
}

// Best and Final return the measures of the epoch with the highest accuracy, the first of equals, and of the last one. Validation chooses
// where there is one, and the test set otherwise.
func (s *Summary) Best() *metrics.Epoch  { return &s.Epochs[s.BestEpoch-1] }
func (s *Summary) Final() *metrics.Epoch { return &s.Epochs[len(s.Epochs)-1] }

func (s *Summary) add(e metrics.Epoch) {
	s.Epochs = append(s.Epochs, e)
	if s.BestEpoch == 0 || e.Score() > s.Best().Score() {
		s.BestEpoch = e.Number
	}
	s.Seconds += e.Seconds()
}

// An Interrupted error reports that the context ended during training. All that was trained until then is saved, and [Resume] goes on with it.
type Interrupted struct {
	Cause error
	Epoch int // the epoch that was not finished, from 1
	Dir   runs.Dir
}

func (e *Interrupted) Error() string { return fmt.Sprintf("%v in epoch %d", e.Cause, e.Epoch) }
func (e *Interrupted) Unwrap() error { return e.Cause }

// Run trains a LeNet as o says and leaves its weights, metrics, options and checkpoints in a folder. version is the program's; log gets notices and
// warnings.
//
// Errors: [option.Error]; those of the data set, the device and the file system; an observer's; [Interrupted], when ctx ends; [ErrDiverged],
// which stops the run before it spoils the weights. The folder then holds the last whole epoch's weights.
func Run(ctx context.Context, o Options, version string, log func(string), observers ...Observer) (*Summary, error) {
	r := &Running{Options: o, Log: log, Summary: &Summary{}}
	end, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	began := time.Now()
	dir, err := runs.New(o.Out, "", began, o.Force)
	if err != nil {
		return nil, err
	}
	r.locate(dir)
	unlock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	r.config = Config{r.Options, r.Session.Net.Spec, runs.Provenance{Started: began, Versions: runs.NewVersions(version)}}
	if err := dir.MakeCheckpoints(); err != nil { // so that a folder with options has a place for them
		return nil, err
	}
	if err := dir.Make(&r.config); err != nil {
		return nil, err
	}
	return r.Summary, r.run(ctx, observers)
}

// open loads the data and makes the session, as the run's options say, which it resolves. What it opened is open until end is called.
func (r *Running) open(ctx context.Context) (end func(), err error) {
	o := &r.Options
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := o.Resolve(r.Log); err != nil {
		return nil, err
	}
	release, err := o.Use()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	data, err := o.Source.Load(ctx, r.Log)
	if err != nil {
		return nil, err
	}
	if err := data.SplitOff(o.Validation); err != nil {
		return nil, err
	}
	if r.Session, err = NewSession(*o, data, r.Log); err != nil {
		return nil, err
	}
	r.Summary.Chance = data.Test.LargestShare()
	return func() { r.Session.Close(); release() }, nil
}

// locate tells a run that is open its folder.
func (r *Running) locate(dir runs.Dir) {
	r.Dir, r.Summary.Dir = dir, dir
	o := &r.Options
	o.Out, o.Dir, o.Classes = string(dir), runs.Absolute(o.Dir), runs.Absolute(o.Classes)
}

// run is the loop over the epochs.
func (r *Running) run(ctx context.Context, observers []Observer) (err error) {
	observers = append(r.own(), observers...)
	for _, o := range observers {
		defer func() { err = errors.Join(err, o.End(r, err)) }() // in the reverse order
		if err := o.Start(r); err != nil {
			return err
		}
	}
	for epoch := len(r.Summary.Epochs) + 1; epoch <= r.Options.Epochs; epoch++ {
		e, err := r.Session.Epoch(ctx, epoch, func(sums torchx.Sums) error {
			return tell(observers, func(o Observer) error { return o.Step(r, Step{epoch, sums}) })
		})
		if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
			if err := r.keeper.interrupted(r); err != nil {
				return err
			}
			return &Interrupted{Cause: err, Epoch: epoch, Dir: r.Dir}
		}
		if err != nil {
			return err
		}
		r.Summary.add(e)
		err = tell(observers, func(o Observer) error { return o.Epoch(r, e) })
		if errors.Is(err, ErrStop) {
			break
		}
		if err != nil {
			return err
		}
	}
	r.Summary.Profile = r.Session.Profile()
	return nil
}

// tell calls f for the observers in their order, until an error other than [ErrStop].
func tell(observers []Observer, f func(Observer) error) (stop error) {
	for _, o := range observers {
		err := f(o)
		if errors.Is(err, ErrStop) {
			stop = err
		} else if err != nil {
			return err
		}
	}
	return stop
}
