// Package train is the training loop: options, one step, evaluation, and the folder that a run leaves.
package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lenet/model"
	"lenet/torchx"
)

// A Reporter is told how a run goes, on the goroutine that trains.
type Reporter interface {
	Log(line string)                               // for the person who waits
	Network(net *model.LeNet)                      // the network has its weights
	Device(name string)                            // training begins, on "cpu" or "cuda:N"
	Batch(epoch int, sums torchx.Sums, images int) // the sums of an epoch until now, and its images: after each step, on a GPU after all steps
	Epoch(m Metrics)                               // an epoch is done and saved
}

// A Summary is the outcome of a run.
type Summary struct {
	Dir       string
	Metrics   []Metrics // one for each whole epoch
	BestEpoch int       // from 1
	Seconds   float64   // of all epochs
	Profile   Profile   // of all epochs
}

// Best and Final return the metrics of the epoch with the highest accuracy, the first of equals, and of the last one. Validation chooses
// where there is one, and the test set otherwise.
func (s *Summary) Best() Metrics  { return s.Metrics[s.BestEpoch-1] }
func (s *Summary) Final() Metrics { return s.Metrics[len(s.Metrics)-1] }

// An Interrupted error reports that the context ended during training. What was trained until then is saved.
type Interrupted struct {
	Cause   error
	Epoch   int // the epoch that was not finished, from 1
	Weights string
}

func (e *Interrupted) Error() string {
	return fmt.Sprintf("%v in epoch %d; the weights are in %s", e.Cause, e.Epoch, e.Weights)
}

func (e *Interrupted) Unwrap() error { return e.Cause }

// Run trains a LeNet as o says and leaves its weights, metrics and settings in a folder.
//
// Errors: [UsageError]; those of the data set and of the file system; [Interrupted], when ctx ends; a loss that is not finite,
// which stops the run before it spoils the weights. The folder then holds the last whole epoch's weights.
func Run(ctx context.Context, o Options, version string, report Reporter) (*Summary, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := o.Resolve(report.Log); err != nil {
		return nil, err
	}
	release, err := o.Use()
	if err != nil {
		return nil, err
	}
	defer release()
	data, err := o.DataOptions.Load(ctx, report.Log)
	if err != nil {
		return nil, err
	}
	if err := data.Split(o.Validation); err != nil {
		return nil, err
	}
	s, err := NewSession(o, data, report.Log)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	report.Network(s.Net)

	dir, err := makeFolder(o.Out, o.Force, &Config{Options: o, Started: time.Now(), Versions: NewVersions(version)})
	if err != nil {
		return nil, err
	}
	events, err := newEvents(dir, o.TensorBoard)
	if err != nil {
		return nil, err
	}
	defer events.close()
	summary := &Summary{Dir: string(dir)}
	report.Device(o.Device)
	for epoch := 1; epoch <= o.Epochs; epoch++ {
		m, err := s.Epoch(ctx, epoch, func(sums torchx.Sums) { report.Batch(epoch, sums, s.trainImages) })
		if err != nil {
			return summary, stopped(ctx, err, s, dir, epoch)
		}
		summary.add(m)
		if o.EarlyStop == 0 || summary.BestEpoch == epoch {
			if err := s.Save(dir.weights()); err != nil {
				return summary, err
			}
		}
		if err := dir.addMetrics(m); err != nil {
			return summary, err
		}
		if err := events.add(m); err != nil {
			return summary, err
		}
		report.Epoch(m)
		if o.EarlyStop > 0 && epoch-summary.BestEpoch >= o.EarlyStop {
			report.Log(fmt.Sprintf("stopped early: no better validation accuracy than epoch %d's, whose weights are kept", summary.BestEpoch))
			break
		}
	}
	summary.Profile = s.trainer.spent.Profile
	return summary, nil
}

func (s *Summary) add(m Metrics) {
	s.Metrics = append(s.Metrics, m)
	if s.BestEpoch == 0 || m.chosenBy() > s.Best().chosenBy() {
		s.BestEpoch = m.Epoch
	}
	s.Seconds += m.TrainSeconds + m.EvalSeconds
}

// stopped returns the error that ends a run. Where it is ctx's end, the weights are saved first.
func stopped(ctx context.Context, err error, s *Session, dir folder, epoch int) error {
	if ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)) {
		return err
	}
	if err := s.Save(dir.weights()); err != nil {
		return err
	}
	return &Interrupted{Cause: err, Epoch: epoch, Weights: dir.weights()}
}
