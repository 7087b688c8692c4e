package train_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lenet/compute"
	"lenet/dataset"
	"lenet/metrics"
	"lenet/option"
	"lenet/runs"
	"lenet/train"
)

// outcome is what a run leaves, times apart.
type outcome struct{ weights, best, checkpoint []byte }

// left returns the outcome of a run, and its measures without times.
func left(t *testing.T, dir runs.Dir) (outcome, string) {
	t.Helper()
	checkpoints, err := dir.Checkpoints()
	if err != nil || len(checkpoints) == 0 {
		t.Fatalf("%d checkpoints, error %v", len(checkpoints), err)
	}
	c, err := train.ReadCheckpoint(checkpoints[0])
	if err != nil {
		t.Fatal(err)
	}
	epochs, cut, err := dir.Epochs()
	if err != nil || cut != nil {
		t.Fatalf("cut %v, error %v", cut, err)
	}
	text := timeless(t, epochs)
	if inside := timeless(t, c.Epochs); inside != text {
		t.Errorf("the last checkpoint has the epochs %s, and metrics.jsonl %s", inside, text)
	}
	return outcome{read(t, dir.Weights()), read(t, dir.BestWeights()), c.Tensors()}, text
}

// timeless returns epochs as JSON, without what depends on the time.
func timeless(t *testing.T, epochs []metrics.Epoch) (text string) {
	t.Helper()
	for _, e := range epochs {
		var kept metrics.Epoch
		kept.Number = e.Number
		for _, v := range e.Values {
			if v.Name != metrics.Seconds && v.Name != metrics.ImagesPerSecond {
				kept.Add(v.Split, v.Name, v.Value)
			}
		}
		line, err := kept.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		text += string(line) + "\n"
	}
	return text
}

// interruptedAt runs o, and ends it after so many steps of this process.
func interruptedAt(t *testing.T, steps int, run func(context.Context, train.Observer) error) (ended bool) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	c := &counter{}
	c.onStep = func() {
		if c.steps == steps {
			cancel(why)
		}
	}
	err := run(ctx, c)
	if err == nil {
		return true
	}
	var interrupted *train.Interrupted
	if !errors.As(err, &interrupted) || !errors.Is(err, why) {
		t.Fatalf("error %v", err)
	}
	return false
}

func resume(ctx context.Context, t *testing.T, o train.Options, observers ...train.Observer) error {
	t.Helper()
	_, err := train.Resume(ctx, o, false, "test", func(line string) { t.Log(line) }, observers...)
	return err
}

// All that is kept from step to step is in a checkpoint: momentum, averages, the sums of an epoch, the place in the order of the images, the schedule.
func TestAResumedRunEndsAsIfItHadNeverStopped(t *testing.T) {
	fast := func(o *train.Options) {
		o.Activation, o.Momentum, o.Nesterov, o.WeightDecay, o.LabelSmoothing = "relu", 0.9, true, 0.001, 0.05
		o.LearningRate, o.Schedule.Name, o.Augment = 0.15, "onecycle", dataset.Augmentation{Shift: 1}
	}
	for name, change := range map[string]func(*train.Options){
		"report": func(*train.Options) {},
		"fast":   fast,
		"adamw, averages, cosine, rotated": func(o *train.Options) {
			o.Activation, o.Optimizer, o.LearningRate, o.EMA, o.WeightDecay = "tanh", "adamw", 0.01, 0.9, 0.1
			o.Schedule.Name, o.WarmUp, o.Augment, o.Validation = "cosine", 0.5, dataset.Augmentation{Rotate: 10}, 50
		},
		"adam, reference kernels": func(o *train.Options) {
			o.Optimizer, o.LearningRate, o.Kernels, o.Schedule.Name, o.StepSize = "adam", 0.01, compute.Reference, "step", 1
		},
		"checkpoints within epochs, two threads": func(o *train.Options) { o.Every, o.Threads = train.Interval{Steps: 2}, 2 },
		"checkpoints at the end alone":           func(o *train.Options) { o.Every = train.Interval{} },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, 290, 50) // 5 steps an epoch, the last one of 34 images
			o.Epochs = 3
			change(&o)
			run(t, o)
			want, wantEpochs := left(t, runs.Dir(o.Out))
			for _, steps := range []int{1, 2, 4, 5, 6, 9} { // of each part of the run
				o := o
				o.Out = filepath.Join(t.TempDir(), "run")
				ended := interruptedAt(t, steps, func(ctx context.Context, c train.Observer) error {
					_, err := train.Run(ctx, o, "test", func(string) {}, c)
					return err
				})
				for !ended {
					ended = interruptedAt(t, steps, func(ctx context.Context, c train.Observer) error { return resume(ctx, t, o, c) })
				}
				got, epochs := left(t, runs.Dir(o.Out))
				if epochs != wantEpochs {
					t.Errorf("stopped after every %d steps it measured\n%swant\n%s", steps, epochs, wantEpochs)
				}
				if !bytes.Equal(got.weights, want.weights) || !bytes.Equal(got.best, want.best) || !bytes.Equal(got.checkpoint, want.checkpoint) {
					t.Errorf("stopped after every %d steps it ended with other weights, best weights or optimizer's state", steps)
				}
			}
		})
	}
}

func TestMoreEpochsGoOnWithARunThatHasEnded(t *testing.T) {
	o := options(t, 200, 50)
	o.Epochs, o.Momentum, o.LearningRate = 4, 0.9, 0.1
	run(t, o)
	want, wantEpochs := left(t, runs.Dir(o.Out))

	o.Out, o.Epochs = filepath.Join(t.TempDir(), "run"), 2
	run(t, o)
	before := read(t, o.Out, "config.json")
	var said []string
	s, err := train.Resume(t.Context(), o, false, "test", func(line string) { said = append(said, line) })
	if err != nil || len(s.Epochs) != 2 || len(said) != 1 || !strings.Contains(said[0], "has ended, after 2 epochs; for more give --epochs") {
		t.Errorf("an ended run: %+v, error %v, said %q", s, err, said)
	}
	if !bytes.Equal(read(t, o.Out, "config.json"), before) {
		t.Error("an ended run has other options")
	}
	o.Epochs = 4
	if err := resume(t.Context(), t, o); err != nil {
		t.Fatal(err)
	}
	if got, epochs := left(t, runs.Dir(o.Out)); epochs != wantEpochs || !bytes.Equal(got.weights, want.weights) {
		t.Errorf("two more epochs: %s, want %s", epochs, wantEpochs)
	}
	if config, err := train.ReadConfig(runs.Dir(o.Out)); err != nil || config.Epochs != 4 {
		t.Errorf("config.json has %d epochs, error %v", config.Epochs, err)
	}
	o.Epochs = 3
	var usage *option.Error
	if err := resume(t.Context(), t, o); !errors.As(err, &usage) || usage.Option != "epochs" {
		t.Errorf("fewer epochs than there are: error %v", err)
	}

	// A schedule that spans all epochs is another one for more of them.
	o.Out, o.Epochs, o.Schedule.Name = filepath.Join(t.TempDir(), "cosine"), 2, "cosine"
	run(t, o)
	o.Epochs, said = 3, nil
	if _, err := train.Resume(t.Context(), o, false, "test", func(line string) { said = append(said, line) }); err != nil || !strings.Contains(strings.Join(said, "\n"), "--schedule cosine now spans 3 epochs") {
		t.Errorf("error %v, said %q", err, said)
	}
}

func TestOptionsThatContradictARunAreRefusedByName(t *testing.T) {
	o := options(t, 200, 50)
	o.Epochs = 1
	run(t, o)
	o.Epochs = 2
	changed := o
	changed.LearningRate, changed.BatchSize = 0.5, 32
	var other *train.ContradictionError
	if err := resume(t.Context(), t, changed); !errors.As(err, &other) || !strings.HasSuffix(err.Error(), "another batch-size, lr") {
		t.Errorf("error %v", err)
	}
	threads := o
	threads.Threads = 2
	if err := resume(t.Context(), t, threads); err != nil {
		t.Errorf("another number of threads, which the fused kernels' results do not depend on: error %v", err)
	}
	changed.Optimizer, changed.LearningRate, changed.Epochs = "adam", 0.01, 3
	var said []string
	s, err := train.Resume(t.Context(), changed, true, "test", func(line string) { said = append(said, line) })
	if err != nil || len(s.Epochs) != 3 || !strings.Contains(strings.Join(said, "\n"), "the optimizer's state, or what of it the checkpoint lacks, begins anew") {
		t.Errorf("overridden: error %v, %d epochs, said %q", err, len(s.Epochs), said)
	}
	checkpoints, err := runs.Dir(o.Out).Checkpoints()
	if err != nil || filepath.Base(checkpoints[0]) != "epoch-00003-step-00000021.safetensors" { // 7 steps an epoch of the new batch size
		t.Errorf("checkpoints %q, error %v", checkpoints, err)
	}
	if config, err := train.ReadConfig(runs.Dir(o.Out)); err != nil || config.BatchSize != 32 {
		t.Errorf("config.json has batch size %d, error %v", config.BatchSize, err)
	}

	// Another batch size makes an epoch have fewer steps, and what is learnt from there on is not lost again.
	o = options(t, 200, 50)
	o.Momentum, o.LearningRate = 0.9, 0.1
	run(t, o)
	changed = o
	changed.BatchSize, changed.Epochs, changed.EMA = 200, 4, 0.5
	s, err = train.Resume(t.Context(), changed, true, "test", func(string) {})
	if err != nil || len(s.Epochs) != 4 {
		t.Fatal(err)
	}
	// Averages that were not kept before begin as the weights.
	if before, after := s.Epochs[1].Of(metrics.Test, metrics.Loss), s.Epochs[2].Of(metrics.Test, metrics.Loss); after > before*1.2 {
		t.Errorf("with averages the loss rises from %v to %v", before, after)
	}
	changed.Epochs = 5
	if s, err := train.Resume(t.Context(), changed, false, "test", func(string) {}); err != nil || len(s.Epochs) != 5 {
		t.Errorf("after the override: error %v", err)
	}
	checkpoints, err = runs.Dir(o.Out).Checkpoints()
	if err != nil || len(checkpoints) < 2 || filepath.Base(checkpoints[0]) != "epoch-00005-step-00000005.safetensors" || strings.Contains(strings.Join(checkpoints, " "), "epoch-00001") {
		t.Errorf("checkpoints %q, error %v", checkpoints, err)
	}

	// Other images under the old path are not the run's.
	o = options(t, 200, 50)
	run(t, o)
	for dir, split := range map[string]metrics.Split{options(t, 201, 50).Dir: metrics.Train, options(t, 200, 51).Dir: metrics.Test} {
		var data *train.DataError
		o.Epochs, o.Dir = 3, dir
		if err := resume(t.Context(), t, o); !errors.As(err, &data) || data.Split != split {
			t.Errorf("other %s images: error %v", split, err)
		}
	}
}

// patient waits in each epoch until its checkpoint is on the disk: of those that wait there, only the newest is written.
type patient struct{ train.BaseObserver }

func (patient) Epoch(r *train.Running, e metrics.Epoch) error {
	for {
		if _, err := os.Stat(r.Dir.Checkpoint(r.Session.Steps(), e.Number)); err == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

func TestTheLastCheckpointsAndTheBestAreKept(t *testing.T) {
	o := options(t, 300, 50)
	o.Epochs, o.Keep, o.Validation, o.LearningRate = 6, 2, 100, 1e-9 // nothing gets better than the first epoch
	if _, err := train.Run(t.Context(), o, "test", func(string) {}, patient{}); err != nil {
		t.Fatal(err)
	}
	paths, err := runs.Dir(o.Out).Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	if want := "epoch-00006-step-00000024.safetensors epoch-00005-step-00000020.safetensors epoch-00001-step-00000004.safetensors"; strings.Join(names, " ") != want {
		t.Errorf("checkpoints %q, want %s", names, want)
	}

	// The best one is kept when the run goes on, too.
	o.Epochs = 8
	if err := resume(t.Context(), t, o, patient{}); err != nil {
		t.Fatal(err)
	}
	paths, err = runs.Dir(o.Out).Checkpoints()
	if err != nil || len(paths) != 3 || filepath.Base(paths[2]) != "epoch-00001-step-00000004.safetensors" {
		t.Errorf("checkpoints %q, error %v", paths, err)
	}

	// A checkpoint that is damaged is told of, and the one before it taken.
	want, wantEpochs := left(t, runs.Dir(o.Out))
	file := read(t, paths[0])
	at := bytes.Index(file, []byte("sigmoid")) // a bit of the options
	file[at] ^= 1
	if err := os.WriteFile(paths[0], file, 0o666); err != nil {
		t.Fatal(err)
	}
	var said []string
	if _, err := train.Resume(t.Context(), o, false, "test", func(line string) { said = append(said, line) }); err != nil {
		t.Fatal(err)
	}
	if len(said) != 2 || !strings.Contains(said[0], paths[0]) || !strings.Contains(said[1], "after epoch 7") {
		t.Errorf("said %q", said)
	}
	if got, epochs := left(t, runs.Dir(o.Out)); epochs != wantEpochs || !bytes.Equal(got.weights, want.weights) {
		t.Error("after the checkpoint before it has other weights or measures")
	}
}

// Weights that were removed come back; a checkpoint of another run does not take the folder over.
func TestTheFolderOfARunThatHasEndedIsMended(t *testing.T) {
	o := options(t, 100, 50)
	run(t, o)
	want := weights(t, o)
	for _, path := range []string{runs.Dir(o.Out).Weights(), filepath.Join(o.Out, "metrics.jsonl")} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	other := o
	other.Out, other.Epochs, other.Seed = filepath.Join(t.TempDir(), "other"), 4, 2
	run(t, other)
	paths, err := runs.Dir(other.Out).Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Out, "checkpoints", filepath.Base(paths[0])), read(t, paths[0]), 0o666); err != nil {
		t.Fatal(err)
	}
	var said []string
	s, err := train.Resume(t.Context(), o, false, "test", func(line string) { said = append(said, line) })
	if err != nil || len(s.Epochs) != 2 || !strings.Contains(strings.Join(said, "\n"), "it is another run's") {
		t.Errorf("error %v, said %q", err, said)
	}
	if !bytes.Equal(weights(t, o), want) {
		t.Error("the weights are others")
	}
	if epochs, _, err := runs.Dir(o.Out).Epochs(); err != nil || len(epochs) != 2 {
		t.Errorf("%d epochs, error %v", len(epochs), err)
	}
}

func TestARunWithoutCheckpointsIsNotResumable(t *testing.T) {
	o := options(t, 100, 50)
	run(t, o)
	var none *train.NotResumableError
	for _, change := range []func() error{
		func() error { // its checkpoints were removed: it would begin again, over its weights
			return errors.Join(os.RemoveAll(filepath.Join(o.Out, "checkpoints")), os.Mkdir(filepath.Join(o.Out, "checkpoints"), 0o777))
		},
		func() error { return os.Remove(filepath.Join(o.Out, "checkpoints")) }, // as of an old version
		func() error { return os.RemoveAll(o.Out) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := resume(t.Context(), t, o); !errors.As(err, &none) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := os.Stat(o.Out); err == nil {
		t.Error("a folder was made for a run that there is not")
	}
	if _, err := train.ResumedConfig(runs.Dir(o.Out), func(string) {}); !errors.As(err, &none) {
		t.Errorf("error %v", err)
	}
}

func TestIntervalsAreEpochsStepsOrATime(t *testing.T) {
	for text, want := range map[string]train.Interval{
		"0": {}, "2": {Epochs: 2}, "500steps": {Steps: 500}, "30s": {Time: 30 * time.Second}, "10m": {Time: 10 * time.Minute},
	} {
		var got, again train.Interval
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %+v, error %v", text, got, err)
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != want {
			t.Errorf("%s is written as %s", text, got)
		}
	}
	for _, text := range []string{"", "-1", "-5steps", "1.5", "steps", "30x", "-3s"} {
		if err := new(train.Interval).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "as 500steps") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
