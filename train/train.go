// Package train is the training loop: options, one step, evaluation, and the folder that a run leaves.
package train

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"lenet/dataset"
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

// Best and Final return the metrics of the epoch with the highest test accuracy, the first of equals, and of the last one.
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

// evalBatchSize is large, since evaluation keeps nothing for a backward pass.
const evalBatchSize = 1000

// Run trains a LeNet as o says and leaves its weights, metrics and settings in a folder.
//
// Errors: [UsageError]; those of the data set and of the file system; [Interrupted], when ctx ends; a loss that is not finite,
// which stops the run before it spoils the weights. The folder then holds the last whole epoch's weights.
func Run(ctx context.Context, o Options, version string, report Reporter) (*Summary, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	runtime.LockOSThread() // libtorch keeps a pool of threads for each thread that calls it
	defer runtime.UnlockOSThread()
	if err := o.ComputeOptions.apply(report.Log); err != nil {
		return nil, err
	}
	var steps *graphs
	switch {
	case o.Device != "cpu" && o.Graph != GraphOff:
		steps = newGraphs(o.Graph == GraphOn, report.Log)
	case o.Graph == GraphOn:
		return nil, UsageError("--graph on needs a CUDA device, and this run is on the CPU")
	}
	trainSet, testSet, err := o.DataOptions.load(ctx, report.Log)
	if err != nil {
		return nil, err
	}

	net, err := newNetwork(trainSet, o.Seed, o.ComputeOptions)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	t, err := newTrainer(net, o.LearningRate, steps)
	if err != nil {
		return nil, err
	}
	defer t.close()
	images, err := newFeed(dataset.NewShuffledLoader(trainSet, o.BatchSize, o.Seed), o.Device, o.DataOnDevice)
	if err != nil {
		return nil, memoryHint(err)
	}
	defer images.close()
	testImages, err := newFeed(dataset.NewLoader(testSet, evalBatchSize), o.Device, o.DataOnDevice)
	if err != nil {
		return nil, err
	}
	defer testImages.close()
	report.Network(net)

	dir, err := makeFolder(o.Out, o.Force, &Config{Options: o, Started: time.Now(), Versions: NewVersions(version)})
	if err != nil {
		return nil, err
	}
	summary := &Summary{Dir: string(dir)}

	report.Device(o.Device)
	t.spent.last = time.Now()
	for epoch := 1; epoch <= o.Epochs; epoch++ {
		start := time.Now()
		if err := t.totals.Reset(); err != nil {
			return summary, err
		}
		for b, err := range images.epoch(ctx, epoch) {
			t.spent.lap(load)
			if err == nil {
				err = t.step(b)
			}
			if errors.Is(err, errDiverged) {
				err = fmt.Errorf("train: %w at step %d of epoch %d with learning rate %v; try a smaller --lr", err, (t.sums.Images+o.BatchSize-1)/o.BatchSize, epoch, o.LearningRate)
			}
			if err != nil {
				return summary, stopped(ctx, memoryHint(err), net, dir, epoch)
			}
			if t.follows() {
				report.Batch(epoch, t.sums, trainSet.Len())
				t.spent.lap(goCode)
			}
		}
		if !t.follows() {
			if err := t.read(); errors.Is(err, errDiverged) {
				return summary, fmt.Errorf("train: %w in epoch %d with learning rate %v; try a smaller --lr", err, epoch, o.LearningRate)
			} else if err != nil {
				return summary, memoryHint(err)
			}
			t.spent.lap(device)
			report.Batch(epoch, t.sums, trainSet.Len())
		}
		trained := time.Since(start).Seconds()
		test, err := evaluate(ctx, net, testImages)
		if err != nil {
			return summary, stopped(ctx, memoryHint(err), net, dir, epoch)
		}
		t.spent.lap(evaluation)

		m := Metrics{
			Epoch: epoch, Loss: t.sums.Loss, TrainAccuracy: t.sums.Accuracy, TestAccuracy: test.Accuracy,
			TrainSeconds: trained, EvalSeconds: time.Since(start).Seconds() - trained, ImagesPerSecond: float64(trainSet.Len()) / trained,
		}
		if err := net.Save(dir.weights()); err != nil {
			return summary, err
		}
		if err := dir.addMetrics(m); err != nil {
			return summary, err
		}
		summary.add(m)
		report.Epoch(m)
		t.spent.lap(goCode)
	}
	summary.Profile = t.spent.Profile
	return summary, nil
}

// memoryHint adds what to do to an error that reports too little memory.
func memoryHint(err error) error {
	if e := new(torchx.Error); errors.As(err, &e) && e.OutOfMemory() {
		return fmt.Errorf("%w; try a smaller --batch-size", err)
	}
	return err
}

func (s *Summary) add(m Metrics) {
	s.Metrics = append(s.Metrics, m)
	if s.BestEpoch == 0 || m.TestAccuracy > s.Best().TestAccuracy {
		s.BestEpoch = m.Epoch
	}
	s.Seconds += m.TrainSeconds + m.EvalSeconds
}

// stopped returns the error that ends a run. Where it is ctx's end, the weights are saved first.
func stopped(ctx context.Context, err error, net *model.LeNet, dir folder, epoch int) error {
	if ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)) {
		return err
	}
	if err := net.Save(dir.weights()); err != nil {
		return err
	}
	return &Interrupted{Cause: err, Epoch: epoch, Weights: dir.weights()}
}

// newNetwork returns a network for the set's images whose weights follow from seed, on every device the same.
func newNetwork(set *dataset.Set, seed uint64, c ComputeOptions) (*model.LeNet, error) {
	if err := torchx.ManualSeed(seed); err != nil {
		return nil, err
	}
	return model.New(set.Rows, set.Cols, c.Kernels, c.Device)
}

// load returns the training and the test set, which it fetches if need be.
func (d *DataOptions) load(ctx context.Context, log func(string)) (training, test *dataset.Set, err error) {
	if d.Dir != "" {
		return dataset.Load(d.Dir, nil)
	}
	spec, err := dataset.Lookup(d.Dataset)
	if err != nil {
		return nil, nil, UsageError(err.Error())
	}
	cache, err := dataset.CacheDir()
	if err != nil {
		return nil, nil, err
	}
	dir, err := dataset.Fetch(ctx, spec, cache, d.Mirror, log)
	if err != nil {
		return nil, nil, err
	}
	return dataset.Load(dir, spec)
}

// EvalOptions are the settings of an evaluation.
type EvalOptions struct {
	DataOptions
	ComputeOptions

	Model string `required:"" placeholder:"FILE" help:"Weights: a run's model.safetensors."`
}

// EvaluateFile returns the mean loss and the accuracy of saved weights on the test set.
func EvaluateFile(ctx context.Context, o EvalOptions, log func(string)) (loss, accuracy float64, err error) {
	if err := o.ComputeOptions.Validate(); err != nil {
		return 0, 0, err
	}
	runtime.LockOSThread() // as Run does
	defer runtime.UnlockOSThread()
	if err := o.ComputeOptions.apply(log); err != nil {
		return 0, 0, err
	}
	_, testSet, err := o.DataOptions.load(ctx, log)
	if err != nil {
		return 0, 0, err
	}
	net, err := model.New(testSet.Rows, testSet.Cols, o.Kernels, o.Device)
	if err != nil {
		return 0, 0, err
	}
	defer net.Close()
	if err := net.Load(o.Model); err != nil {
		return 0, 0, err
	}
	images, err := newFeed(dataset.NewLoader(testSet, evalBatchSize), o.Device, o.DataOnDevice)
	if err != nil {
		return 0, 0, err
	}
	defer images.close()
	sums, err := evaluate(ctx, net, images)
	return sums.Loss, sums.Accuracy, err
}
