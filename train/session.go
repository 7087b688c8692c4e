package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lenet/dataset"
	"lenet/model"
	"lenet/torchx"
)

// Data is what a network is trained and tested on.
type Data struct {
	Train, Test          *dataset.Set
	training, validation []uint32 // indices into Train; nil: all to train on, none to validate with
}

// Load returns the training and the test set, which it fetches if need be.
func (d *DataOptions) Load(ctx context.Context, log func(string)) (*Data, error) {
	dir, spec := d.Dir, (*dataset.Spec)(nil)
	if dir == "" {
		var err error
		if spec, err = dataset.Lookup(d.Dataset); err != nil {
			return nil, UsageError(err.Error())
		}
		cache, err := dataset.CacheDir()
		if err != nil {
			return nil, err
		}
		if dir, err = dataset.Fetch(ctx, spec, cache, d.Mirror, log); err != nil {
			return nil, err
		}
	}
	train, test, err := dataset.Load(dir, spec)
	if err != nil {
		return nil, err
	}
	return &Data{Train: train, Test: test}, nil
}

// splitSeed makes the validation set the same for every setting.
const splitSeed = 1

// Split sets n images of the training set aside to validate with; 0 does nothing.
func (d *Data) Split(n int) (err error) {
	if n == 0 {
		return nil
	}
	if n >= d.Train.Len() {
		return UsageError(fmt.Sprintf("--validation is %d, and the training set has %d images; give fewer", n, d.Train.Len()))
	}
	d.training, d.validation, err = dataset.Split(d.Train, n, splitSeed)
	return err
}

// A Session is a network in training. Its methods are called on threads that [ComputeOptions.Use] has prepared, one at a time.
type Session struct {
	Net *model.LeNet

	options                  Options
	trainer                  *trainer
	images, validation, test feed
	trainImages              int
}

// NewSession returns a session that will train as resolved options say, with fresh weights.
func NewSession(o Options, data *Data, log func(string)) (*Session, error) {
	s := &Session{options: o}
	if err := s.open(data, log); err != nil {
		s.Close()
		return nil, memoryHint(err)
	}
	return s, nil
}

func (s *Session) open(data *Data, log func(string)) (err error) {
	o := &s.options
	var steps *graphs
	switch {
	case o.Device != "cpu" && o.Graph != GraphOff:
		steps = newGraphs(o.Graph == GraphOn, log)
	case o.Graph == GraphOn:
		return UsageError("--graph on needs a CUDA device, and this run is on the CPU")
	}
	if s.Net, err = model.New(data.Train.Rows, data.Train.Cols, model.Options{Activation: o.Activation, Kernels: o.Kernels, Device: o.Device, Seed: o.Seed}); err != nil {
		return err
	}
	loader := dataset.NewShuffledLoader(data.Train, o.BatchSize, o.Seed)
	if data.training != nil {
		loader.Restrict(data.training)
	}
	loader.Augment(o.Augment)
	s.trainImages = loader.Len()
	if s.trainer, err = newTrainer(s.Net, o, loader.Batches(), steps); err != nil {
		return err
	}
	if s.images, err = newFeed(loader, o.Device, o.DataOnDevice); err != nil {
		return err
	}
	if data.validation != nil {
		loader := dataset.NewLoader(data.Train, dataset.EvaluationBatch)
		loader.Restrict(data.validation)
		if s.validation, err = newFeed(loader, o.Device, o.DataOnDevice); err != nil {
			return err
		}
	}
	s.test, err = newFeed(dataset.NewLoader(data.Test, dataset.EvaluationBatch), o.Device, o.DataOnDevice)
	return err
}

// Close frees the network and all that trains it.
func (s *Session) Close() {
	for _, f := range []feed{s.images, s.validation, s.test} {
		if f != nil {
			f.close()
		}
	}
	if s.trainer != nil {
		s.trainer.close()
	}
	if s.Net != nil {
		s.Net.Close()
	}
}

// Epoch trains once on every image, and then validates and tests. Epochs are numbered from 1. It tells batch the sums so far: after each
// step, or on a GPU after all steps.
//
// Errors: ctx's; a loss that is not finite, which stops before the update.
func (s *Session) Epoch(ctx context.Context, number int, batch func(torchx.Sums)) (Metrics, error) {
	t, o := s.trainer, &s.options
	diverged := func(err error, at string) error {
		return fmt.Errorf("train: %w %s with learning rate %v; try a smaller --lr", err, at, o.LearningRate)
	}
	start := time.Now()
	if number == 1 {
		t.spent.last = start
	} else {
		t.spent.lap(goCode) // since the last epoch
	}
	if err := t.totals.Reset(); err != nil {
		return Metrics{}, err
	}
	for b, err := range s.images.epoch(ctx, number) {
		t.spent.lap(load)
		if err == nil {
			err = t.step(b)
		}
		if errors.Is(err, ErrDiverged) {
			err = diverged(err, fmt.Sprintf("at step %d of epoch %d", (t.sums.Images+o.BatchSize-1)/o.BatchSize, number))
		}
		if err != nil {
			return Metrics{}, memoryHint(err)
		}
		if t.follows() {
			batch(t.sums)
			t.spent.lap(goCode)
		}
	}
	if !t.follows() {
		if err := t.read(); errors.Is(err, ErrDiverged) {
			return Metrics{}, diverged(err, fmt.Sprintf("in epoch %d", number))
		} else if err != nil {
			return Metrics{}, memoryHint(err)
		}
		t.spent.lap(device)
		batch(t.sums)
	}
	m := Metrics{Epoch: number, Loss: t.sums.Loss, TrainAccuracy: t.sums.Accuracy, TrainSeconds: time.Since(start).Seconds()}
	m.ImagesPerSecond = float64(s.trainImages) / m.TrainSeconds

	start = time.Now()
	err := t.averaged(func() error {
		if s.validation != nil {
			sums, err := evaluate(ctx, s.Net, s.validation)
			if err != nil {
				return err
			}
			m.ValidationLoss, m.ValidationAccuracy = sums.Loss, sums.Accuracy
		}
		sums, err := evaluate(ctx, s.Net, s.test)
		m.TestLoss, m.TestAccuracy = sums.Loss, sums.Accuracy
		return err
	})
	m.EvalSeconds = time.Since(start).Seconds()
	t.spent.lap(evaluation)
	if err == nil && (!finite(m.TestLoss) || !finite(m.ValidationLoss)) {
		err = diverged(ErrDiverged, fmt.Sprintf("when tested after epoch %d,", number))
	}
	return m, err
}

// Save writes the weights, or where such are kept their averages, to a file.
func (s *Session) Save(path string) error {
	return s.trainer.averaged(func() error { return s.Net.Save(path) })
}

// memoryHint adds what to do to an error that reports too little memory.
func memoryHint(err error) error {
	if e := new(torchx.Error); errors.As(err, &e) && e.OutOfMemory() {
		return fmt.Errorf("%w; try a smaller --batch-size", err)
	}
	return err
}
