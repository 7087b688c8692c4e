package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"lenet/compute"
	"lenet/dataset"
	"lenet/metrics"
	"lenet/model"
	"lenet/picture"
	"lenet/runs"
	"lenet/statedict"
	"lenet/torchx"
)

// A Session is a network in training. Its methods are called on threads that [compute.Resources.Use] has prepared, one at a time.
type Session struct {
	Net    *model.LeNet
	Images int // of an epoch

	options    Options
	guard      torchx.Guard // of the data's files
	set        *dataset.Set // for training
	batches    int          // of an epoch
	trainer    *trainer
	training   deviceLoader
	validation deviceLoader // nil: there is none
	test       deviceLoader

	checksum, testChecksum uint32 // of both sets

	done      int          // batches of the epoch under way on which it is trained
	before    float64      // seconds that they took, up to a checkpoint that the session was restored from
	began     time.Time    // when the epoch, or what is left of it, did
	every     Interval     // of afterStep, at least
	afterStep func() error // may be nil
}

// NewSession returns a session that will train as resolved options say, with fresh weights. log gets warnings.
func NewSession(o Options, data *dataset.Data, log func(string)) (*Session, error) {
	s := &Session{options: o}
	if err := s.open(data, log); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) open(data *dataset.Data, log func(string)) (err error) {
	o := &s.options
	if err := o.validateGraph(); err != nil {
		return err
	}
	for _, m := range data.Mappings() {
		if err := s.guard.Add(m.Path, m.Memory); err != nil {
			return err
		}
	}
	set := data.Train
	s.set, s.checksum, s.testChecksum = set, set.Checksum(), data.Test.Checksum()
	if s.Net, err = model.New(o.Spec(set.Rows, set.Cols, set.Classes), model.Options{Kernels: o.Kernels, Device: o.Device, Seed: o.Seed, Log: log}); err != nil {
		return err
	}
	s.Net.Data = model.Data{Classes: set.Names, First: set.First}
	loader := dataset.NewShuffledLoader(set, o.BatchSize, o.Seed)
	if data.Training != nil {
		loader.Restrict(data.Training)
	}
	loader.Augment(o.Augment)
	s.Images, s.batches = loader.Len(), loader.Batches()
	if s.trainer, err = newTrainer(s.Net, o, s.batches); err != nil {
		return err
	}
	if s.trainer.spans {
		loader.Together(streamedTogether(loader))
		if o.Graph == GraphOn {
			log("graph: the fused kernels need none: they train on many batches in one command")
		}
	} else if o.Device != compute.CPU && o.Graph != GraphOff {
		s.trainer.graphs = newGraphs(o.Graph == GraphOn, log)
	}
	if s.training, err = newDeviceLoader(loader, o.Device, o.DataOnDevice); err != nil {
		return err
	}
	if data.Validation != nil {
		loader := dataset.NewLoader(set, dataset.EvaluationBatch)
		loader.Restrict(data.Validation)
		if s.validation, err = newDeviceLoader(loader, o.Device, o.DataOnDevice); err != nil {
			return err
		}
	}
	s.test, err = newDeviceLoader(dataset.NewLoader(data.Test, dataset.EvaluationBatch), o.Device, o.DataOnDevice)
	return err
}

// Close frees the network and all that trains it, once a GPU is done with it.
func (s *Session) Close() {
	if s.options.Device != compute.CPU {
		_ = torchx.SynchronizeCUDA() // a device that fails has no use for the memory either
	}
	for _, l := range []deviceLoader{s.training, s.validation, s.test} {
		if l != nil {
			l.close()
		}
	}
	if s.trainer != nil {
		s.trainer.close()
	}
	if s.Net != nil {
		s.Net.Close()
	}
}

// OnGradients makes each step call f between the gradients and the update. On a GPU, f gives the device commands and does not wait for it; the steps then are
// commands of their own, and their sums may be rounded otherwise.
func (s *Session) OnGradients(f func() error) { s.trainer.gradients, s.trainer.spans = f, false }

// AfterStep makes the session call f after each step; on a GPU, where State then waits for the device, perhaps only after those steps at which it is
// [Interval.Due], or, of a time, after some dozens. An error of f ends the epoch. A nil f ends it.
func (s *Session) AfterStep(every Interval, f func() error) { s.every, s.afterStep = every, f }

// Steps returns how many steps the session has made, with those before a Restore.
func (s *Session) Steps() int { return s.trainer.steps }

// Profile returns where the time went since the first epoch began.
func (s *Session) Profile() Profile { return s.trainer.clock.profile() }

// Epoch trains once on every image, and then validates and tests. Epochs are numbered from 1. onStep gets the sums so far: after each
// step, or on a GPU after all steps. Its error ends the epoch. The first epoch after a Restore is what is left of it.
//
// Errors: ctx's; [ErrDiverged], which stops before the update; [torchx.LostError], where a file of the data became shorter.
func (s *Session) Epoch(ctx context.Context, number int, onStep func(torchx.Sums) error) (metrics.Epoch, error) {
	e := metrics.Epoch{Number: number}
	s.trainer.clock.begin()
	s.began = time.Now()
	if err := s.train(ctx, number, onStep); err != nil {
		return e, s.explain(err, number)
	}
	seconds, sums := s.seconds(), s.trainer.sums
	addSums(&e, metrics.Train, sums)

	start := time.Now()
	if err := s.trainer.clock.timed(evaluation, func() error { return s.evaluate(ctx, &e) })(); err != nil {
		return e, err
	}
	e.Add(metrics.Train, metrics.Seconds, seconds)
	e.Add(metrics.Eval, metrics.Seconds, time.Since(start).Seconds())
	e.Add(metrics.Train, metrics.ImagesPerSecond, float64(s.Images)/seconds)
	s.done, s.before = 0, 0
	return e, nil
}

// train is an epoch's training.
func (s *Session) train(ctx context.Context, epoch int, onStep func(torchx.Sums) error) error {
	t := s.trainer
	if s.done == 0 {
		if err := t.total.Reset(); err != nil {
			return err
		}
	}
	stepped := func(n int, err error) error {
		if lost := s.guard.Err(); lost != nil { // whatever came of it
			err = lost
		}
		if err != nil {
			return err
		}
		s.done += n
		if t.onCPU {
			if err := onStep(t.sums); err != nil {
				return err
			}
		}
		if s.afterStep == nil {
			return nil
		}
		return s.afterStep()
	}
	var err error
	if spans, ok := s.training.(spanLoader); ok && t.spans {
		most := func() int {
			longest := longestSpan(s.options.BatchSize)
			if s.afterStep == nil {
				return longest
			}
			return min(longest, s.every.Within(t.steps))
		}
		err = each(waiting(&t.clock, spans.spans(ctx, epoch, s.done, most)), func(span torchx.Span) error {
			return stepped(span.Batches(), t.trainOn(&span))
		})
	} else {
		err = each(waiting(&t.clock, s.training.epoch(ctx, epoch, s.done)), func(b torchx.Batch) error { return stepped(1, t.train(b)) })
	}
	if err != nil {
		return err
	}
	if t.onCPU {
		return nil
	}
	if err := t.clock.timed(device, t.read)(); err != nil {
		return err
	}
	return onStep(t.sums)
}

// each calls f with all that a loader yields, until an error.
func each[T any](all iter.Seq2[T, error], f func(T) error) error {
	for x, err := range all {
		if err == nil {
			err = f(x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// explain says where a training diverged.
func (s *Session) explain(err error, epoch int) error {
	if !errors.Is(err, ErrDiverged) {
		return err
	}
	at := fmt.Sprintf("in epoch %d", epoch)
	if s.trainer.onCPU {
		at = fmt.Sprintf("at step %d of epoch %d", (s.trainer.sums.Images+s.options.BatchSize-1)/s.options.BatchSize, epoch)
	}
	return fmt.Errorf("train: %w %s with learning rate %v", err, at, s.options.LearningRate)
}

// evaluate adds the measures of the validation set, where there is one, and of the test set: with the moving averages of the weights, where
// such are kept.
func (s *Session) evaluate(ctx context.Context, e *metrics.Epoch) error {
	return s.trainer.opt.Averaged(func() error {
		for _, set := range []struct {
			split  metrics.Split
			images deviceLoader
		}{{metrics.Test, s.test}, {metrics.Validation, s.validation}} {
			if set.images == nil {
				continue
			}
			sums, err := evaluate(ctx, s.Net, set.images)
			if lost := s.guard.Err(); lost != nil {
				err = lost
			}
			if err != nil {
				return err
			}
			if !finite(sums.Loss) {
				return fmt.Errorf("train: %w when tested after epoch %d, with learning rate %v", ErrDiverged, e.Number, s.options.LearningRate)
			}
			addSums(e, set.split, sums)
		}
		return nil
	})
}

// addSums adds the measures of a split's images.
func addSums(e *metrics.Epoch, split metrics.Split, sums torchx.Sums) {
	e.Add(split, metrics.Loss, sums.Loss)
	e.Add(split, metrics.Accuracy, sums.Accuracy)
}

// Weights returns what a weights file has of the network: copies of its weights or, where such are kept, of their moving averages, and the metadata.
func (s *Session) Weights() (tensors []statedict.Tensor, metadata map[string]string, err error) {
	s.measure()
	err = s.trainer.opt.Averaged(func() (err error) {
		tensors, metadata, err = s.Net.StateDict()
		return err
	})
	return tensors, metadata, err
}

// measure sets how pictures are prepared for the network. It takes longer than all else that comes before the first step, and waits until that is needed.
func (s *Session) measure() {
	if s.Net.Data.Frame != nil {
		return
	}
	frame := picture.Measure(s.set.Images, s.set.Rows, s.set.Cols)
	frame.Whole, frame.Light = frame.Whole || s.set.Whole, s.set.Light
	s.Net.Data.Frame = &frame
}

// Save writes what Weights returns to a file.
func (s *Session) Save(path string) error {
	tensors, metadata, err := s.Weights()
	if err != nil {
		return err
	}
	file, err := statedict.Encode(tensors, metadata)
	if err != nil {
		return err
	}
	return runs.WriteFile(path, file)
}

// evaluate returns the mean loss and the accuracy, 0 to 1, of the network on all of a loader's images.
func evaluate(ctx context.Context, net *model.LeNet, images deviceLoader) (torchx.Sums, error) {
	total, err := torchx.NewAccumulator(net.Device)
	if err != nil {
		return torchx.Sums{}, err
	}
	defer total.Close()
	if spans, ok := images.(spanLoader); ok && net.TakesSpans() {
		err = each(spans.spans(ctx, 0, 0, func() int { return longestSpan(dataset.EvaluationBatch) }), func(s torchx.Span) error { return net.EvaluateSpan(&s, total) })
	} else {
		err = each(images.epoch(ctx, 0, 0), func(b torchx.Batch) error { return net.Evaluate(b, total) })
	}
	if err != nil {
		return torchx.Sums{}, err
	}
	return total.Read()
}
