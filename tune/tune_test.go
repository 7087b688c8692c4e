package tune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lenet/dataset/datasettest"
	"lenet/metrics"
	"lenet/option"
	"lenet/runs"
	"lenet/train"
)

// reporter counts, and calls onProgress after every epoch.
type reporter struct {
	done, total int
	best        *Candidate
	onProgress  func(done int)
}

func (r *reporter) Log(string)               {}
func (r *reporter) Begin(int, int, *Options) {}
func (r *reporter) Progress(d, n int, best *Candidate) {
	r.done, r.total, r.best = d, n, best
	if r.onProgress != nil {
		r.onProgress(d)
	}
}

// options are those of a short sweep on the first images of MNIST.
func options(t testing.TB) Options {
	t.Helper()
	a, b := datasettest.MNIST(t)
	o := Defaults()
	o.LearningRate, o.BatchSize, o.Activation, o.Epochs, o.Momentum = "0.05,0.2", "50", "relu", 2, 0.5
	o.Validation, o.Jobs, o.Out = 100, 2, filepath.Join(t.TempDir(), "sweep")
	o.Dir = datasettest.Dir(t, datasettest.First(a, 400), datasettest.First(b, 100))
	o.Device, o.Threads = "cpu", 1
	return o
}

func sweepOf(t testing.TB, o Options) (*Result, *reporter) {
	t.Helper()
	r := &reporter{}
	result, err := Run(t.Context(), o, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	return result, r
}

// outcomes are what does not depend on the clock.
func outcomes(r *Result) (all []string) {
	for _, t := range r.Trials {
		all = append(all, fmt.Sprint(t.Number, t.Hyperparameters, len(t.Metrics), t.last().Of(metrics.Train, metrics.Loss), t.Validation(), t.Test(), t.Failed != ""))
	}
	return all
}

func TestSettingsAreTheGridInOrder(t *testing.T) {
	o := options(t)
	o.LearningRate, o.BatchSize, o.Seed = "1,2", "32,64", "7:9:2"
	settings, axes, err := o.settings()
	if err != nil || len(settings) != 8 || len(swept(axes)) != 3 {
		t.Fatalf("%d settings, axes %v, error %v", len(settings), axes, err)
	}
	want := train.Hyperparameters{LearningRate: 1, BatchSize: 64, Optimizer: "sgd", Activation: "relu", Seed: 9}
	if settings[3] != want {
		t.Errorf("setting 4 is %+v, want %+v", settings[3], want)
	}
	o.Trials = 3
	drawn, _, err := o.settings()
	again, _, _ := o.settings()
	if err != nil || len(drawn) != 3 || !slices.Equal(drawn, again) {
		t.Errorf("drawn %v, again %v, error %v", drawn, again, err)
	}
	for i := range drawn {
		if !slices.Contains(settings, drawn[i]) || slices.Contains(drawn[:i], drawn[i]) {
			t.Errorf("drawn %v", drawn)
		}
	}
}

func TestOptionsThatCannotBeAreErrors(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"lr is \"\"":            func(o *Options) { o.LearningRate = "" },
		"lr is -1":              func(o *Options) { o.LearningRate = "0.1,-1" },
		"lr is \"x\"":           func(o *Options) { o.LearningRate = "x" },
		"batch-size is \"1.5\"": func(o *Options) { o.BatchSize = "1.5" },
		"batch-size is 0":       func(o *Options) { o.BatchSize = "0" },
		"optimizer is":          func(o *Options) { o.Optimizer = "sgd,lion" },
		"activation is":         func(o *Options) { o.Activation = "no-such" },
		"seed is \"-1\"":        func(o *Options) { o.Seed = "-1" },
		"epochs is 0":           func(o *Options) { o.Epochs = 0 },
		"trials is -1":          func(o *Options) { o.Trials = -1 },
		"jobs is":               func(o *Options) { o.Jobs = -1 },
		"validation is 0":       func(o *Options) { o.Validation = 0 },
		"validation is 400":     func(o *Options) { o.Validation = 400 },
		"carry-over runs":       func(o *Options) { o.CarryOver = true },
		"carry-over needs":      func(o *Options) { o.CarryOver, o.Jobs, o.Activation = true, 1, "relu,tanh" },
		"more than 10000":       func(o *Options) { o.LearningRate, o.Seed = "1:1000:1", "1:1000:1" },
	} {
		o := options(t)
		change(&o)
		var usage *option.Error
		if _, err := Run(t.Context(), o, "test", &reporter{}); !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want an option.Error with %s", err, want)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Errorf("%s: it made a folder", want)
		}
	}
}

// A trial is what lenet train does with the same hyperparameters, whether or not other trials run at the same time.
func TestTrialsAreIndependentRuns(t *testing.T) {
	o := options(t)
	o.LearningRate, o.Seed = "0.05,0.2", "1,2,3"
	two, r := sweepOf(t, o)
	if r.done != 12 || r.total != 12 {
		t.Errorf("%d of %d epochs", r.done, r.total)
	}
	o.Jobs, o.Out = 1, o.Out+"-1"
	one, _ := sweepOf(t, o)
	if !reflect.DeepEqual(outcomes(one), outcomes(two)) {
		t.Errorf("one at a time\n%q\ntwo at a time\n%q", outcomes(one), outcomes(two))
	}
	single := o.trial(one.Trials[4].Hyperparameters)
	single.Out = filepath.Join(t.TempDir(), "run")
	s, err := train.Run(t.Context(), single, "test", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := s.Final(), one.Trials[4].last(); !reflect.DeepEqual(learnt(a), learnt(b)) {
		t.Errorf("lenet train: %+v\nlenet tune: %+v", a, b)
	}
	best, _ := one.Best().Mean(Validation)
	for _, c := range one.Candidates() {
		if mean, _ := c.Mean(Validation); mean > best {
			t.Errorf("%+v, %v, is better than the best, %v", c.Setting(), mean, best)
		}
	}
}

func TestATrialThatDivergesFailsAlone(t *testing.T) {
	o := options(t)
	o.LearningRate = "0.1,1e38"
	r, _ := sweepOf(t, o)
	if r.Trials[0].Failed != "" || r.Trials[1].Failed == "" || r.Best().Trials[0] != &r.Trials[0] {
		t.Errorf("%+v", r.Trials)
	}
	again, err := Resume(t.Context(), runs.Dir(o.Out), "test", &reporter{})
	if err != nil || !slices.Equal(outcomes(again), outcomes(r)) {
		t.Errorf("again %q, error %v", outcomes(again), err)
	}
}

// interrupt sweeps until so many epochs are done, and cuts the file's last line as a crash would.
func interrupt(t *testing.T, o Options, epochs int) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	r := &reporter{onProgress: func(done int) {
		if done == epochs {
			cancel(why)
		}
	}}
	_, err := Run(ctx, o, "test", r)
	var interrupted *Interrupted
	if !errors.As(err, &interrupted) || !errors.Is(err, why) || interrupted.Dir != runs.Dir(o.Out) {
		t.Fatalf("error %v", err)
	}
	path := filepath.Join(o.Out, "tune.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, text[:len(text)/3]...), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAnInterruptedSweepGoesOn(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"grid":       func(*Options) {},
		"carry-over": func(o *Options) { o.Jobs, o.CarryOver = 1, true },
		"halving":    func(o *Options) { o.Halving, o.Epochs = true, 9 },
		"seeds":      func(o *Options) { o.Halving, o.Epochs, o.Seed = true, 9, "1,2" },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			o.LearningRate = "0.02:0.18:0.04"
			change(&o)
			want, whole := sweepOf(t, o)
			o.Out += "-interrupted"
			interrupt(t, o, 7)
			r := &reporter{}
			got, err := Resume(t.Context(), runs.Dir(o.Out), "test", r)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(outcomes(got), outcomes(want)) {
				t.Errorf("resumed\n%q\nat once\n%q", outcomes(got), outcomes(want))
			}
			if r.done != whole.done {
				t.Errorf("%d epochs in all, at once %d", r.done, whole.done)
			}
			text, err := os.ReadFile(filepath.Join(o.Out, "tune.jsonl"))
			if err != nil || bytes.Count(text, []byte("\n")) != len(got.Trials) {
				t.Errorf("error %v, the file has\n%s", err, text)
			}
		})
	}
}

// Of two trials of six epochs, the second is stopped after three: it goes on with the fourth.
func TestATrialGoesOnInItsMiddle(t *testing.T) {
	o := options(t)
	o.Jobs, o.Epochs, o.Optimizer = 1, 6, "adam"
	o.LearningRate = "0.001,0.002"
	want, _ := sweepOf(t, o)
	o.Out += "-interrupted"
	interrupt(t, o, 9)
	var done []int
	got, err := Resume(t.Context(), runs.Dir(o.Out), "test", &reporter{onProgress: func(n int) { done = append(done, n) }})
	if err != nil || !slices.Equal(outcomes(got), outcomes(want)) {
		t.Errorf("error %v, resumed\n%q\nat once\n%q", err, outcomes(got), outcomes(want))
	}
	if !slices.Equal(done, []int{6, 9, 10, 11, 12}) {
		t.Errorf("the epochs that were done: %d", done)
	}
	if _, err := os.Stat(filepath.Join(o.Out, "checkpoints")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a sweep that has ended has checkpoints (%v)", err)
	}
}

func TestASweepInProgressIsNotResumed(t *testing.T) {
	o := options(t)
	var busy *runs.BusyError
	refused := 0
	r := &reporter{onProgress: func(int) {
		if _, err := Resume(t.Context(), runs.Dir(o.Out), "test", &reporter{}); errors.As(err, &busy) && busy.Dir == runs.Dir(o.Out) {
			refused++
		} else {
			t.Errorf("error %v", err)
		}
	}}
	if _, err := Run(t.Context(), o, "test", r); err != nil || refused != 5 { // before the first epoch, and after each of two trials' two
		t.Errorf("refused %d times (%v)", refused, err)
	}
}

func TestCarryOverBeginsWithTheLastTrialsWeights(t *testing.T) {
	o := options(t)
	o.LearningRate, o.Jobs, o.Epochs, o.CarryOver = "0.1,0.10000001", 1, 6, true
	carried, _ := sweepOf(t, o)
	if first, second := carried.Trials[0].Metrics[0].Of(metrics.Train, metrics.Loss), carried.Trials[1].Metrics[0].Of(metrics.Train, metrics.Loss); second > first/2 {
		t.Errorf("the first trial begins with the loss %v, the second with %v", first, second)
	}
}

// 13 settings, 9 epochs: all for one epoch, five for three, two for nine.
func TestHalvingDropsAllButTheBestThird(t *testing.T) {
	o := options(t)
	o.LearningRate, o.Epochs, o.Halving = "0.01:0.13:0.01", 9, true
	r, reported := sweepOf(t, o)
	count := map[int]int{}
	for i := range r.Trials {
		count[len(r.Trials[i].Metrics)]++
	}
	if count[1] != 8 || count[3] != 3 || count[9] != 2 {
		t.Errorf("trials by epochs: %v", count)
	}
	if want := 8*1 + 3*3 + 2*9; reported.done != want || reported.total != want {
		t.Errorf("%d of %d epochs, want %d", reported.done, reported.total, want)
	}
	if r.Best().Epochs() != 9 {
		t.Errorf("the best has %d epochs", r.Best().Epochs())
	}
	if reported.best == nil || reported.best.Setting() != r.Best().Setting() {
		t.Errorf("at the end the reporter had %+v as the best, and the result has %+v", reported.best, r.Best())
	}
	worstKept, bestDropped := 1.0, 0.0
	for i := range r.Trials {
		if first := r.Trials[i].Metrics[0].Of(metrics.Validation, metrics.Accuracy); len(r.Trials[i].Metrics) > 1 {
			worstKept = min(worstKept, first)
		} else {
			bestDropped = max(bestDropped, first)
		}
	}
	if worstKept < bestDropped {
		t.Errorf("one with %v went on, and one with %v did not", worstKept, bestDropped)
	}
}

// Four candidates of three seeds, three epochs: all for one epoch, two for three. Candidates go with all of their trials.
func TestHalvingDropsCandidatesByTheMeanOverTheirSeeds(t *testing.T) {
	o := options(t)
	o.LearningRate, o.Seed, o.Epochs, o.Halving = "0.03,0.04,0.05,0.06", "1,2,3", 3, true
	r, reported := sweepOf(t, o)
	if want := 3 * (2*1 + 2*3); reported.done != want || reported.total != want {
		t.Errorf("%d of %d epochs, want %d", reported.done, reported.total, want)
	}
	worstKept, bestDropped, kept := 1.0, 0.0, 0
	for _, c := range r.Candidates() {
		for _, trial := range c.Trials {
			if len(trial.Metrics) != c.Epochs() {
				t.Errorf("candidate %+v: a trial has %d epochs, another %d", c.Setting(), len(trial.Metrics), c.Epochs())
			}
		}
		if c.Epochs() == 3 {
			kept++
			worstKept = min(worstKept, c.after(1))
		} else {
			bestDropped = max(bestDropped, c.after(1))
		}
	}
	if kept != 2 || worstKept < bestDropped {
		t.Errorf("%d went on; one with the mean %v did, and one with %v did not", kept, worstKept, bestDropped)
	}
}

// underWay is a sweep with these trials.
func underWay(o Options, trials ...Trial) (*sweep, *reporter) {
	r := &reporter{}
	s := &sweep{options: o, report: r}
	for i, t := range trials {
		t.Number = i + 1
		s.trials = append(s.trials, &trial{Trial: t})
	}
	s.group()
	return s, r
}

// One lucky seed does not keep a candidate, nor does a trial that failed; later epochs, which a sweep that goes on has already, do not count.
func TestHalvingJudgesAfterTheBudgetsEpochs(t *testing.T) {
	trials := []Trial{
		tried(0.1, 1, 0.99, 0), tried(0.1, 2, 0.10, 0),
		tried(0.2, 1, 0.80, 0), tried(0.2, 2, 0.80, 0),
		tried(0.3, 1, 0.70, 0), tried(0.3, 2, 0.72, 0),
		tried(0.4, 1, 0.99, 0), {Hyperparameters: train.Hyperparameters{LearningRate: 0.4, Seed: 2}, Failed: "train: the loss is not finite"},
	}
	trials[4].Metrics = append(trials[4].Metrics, epochOf(0, 0.999, 0))
	s, _ := underWay(Options{Halving: true, Method: train.Method{Epochs: 9}}, trials...)
	s.drop(1)
	var left []float64
	for _, c := range s.left {
		left = append(left, c.Setting().LearningRate)
	}
	if !slices.Equal(left, []float64{0.2, 0.3}) {
		t.Errorf("the learning rates %v are left", left)
	}
	for _, trial := range s.trials {
		if trial.dropped == slices.Contains(left, trial.LearningRate) {
			t.Errorf("trial %d: dropped is %v", trial.Number, trial.dropped)
		}
	}
}

// What the reporter has as the best is what the table has: the best mean over seeds, among candidates whose trials all have begun.
func TestTheReportersBestIsTheTables(t *testing.T) {
	s, r := underWay(Options{Method: train.Method{Epochs: 1}},
		tried(0.1, 1, 0.90, 0), tried(0.1, 2, 0.92, 0),
		tried(0.2, 1, 0.99, 0), tried(0.2, 2, 0.50, 0),
		tried(0.3, 1, 0.98, 0), Trial{Hyperparameters: train.Hyperparameters{LearningRate: 0.3, Seed: 2}})
	s.update(func() {})
	if r.best == nil || r.best.Setting().LearningRate != 0.1 || r.done != 5 || r.total != 6 {
		t.Errorf("%d of %d epochs, best %+v", r.done, r.total, r.best)
	}
	s.update(func() { s.trials[5].Trial = tried(0.3, 2, 0.97, 0) })
	if r.best.Setting().LearningRate != 0.3 || r.done != 6 {
		t.Errorf("%d epochs, best %+v", r.done, r.best)
	}
	s, r = underWay(Options{}, Trial{})
	if s.update(func() {}); r.best != nil {
		t.Errorf("best %+v of no epochs", r.best)
	}
}

func TestASweepDoesNotOverwrite(t *testing.T) {
	o := options(t)
	o.LearningRate, o.Epochs = "0.1", 1
	sweepOf(t, o)
	var exists *runs.ExistsError
	if _, err := Run(t.Context(), o, "test", &reporter{}); !errors.As(err, &exists) || !exists.Sweep {
		t.Errorf("error %v", err)
	}
	if _, err := Resume(t.Context(), runs.Dir(t.TempDir()), "test", &reporter{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestPlotsOfEverySweptAxis(t *testing.T) {
	o := options(t)
	o.LearningRate, o.Activation = "0.05,0.1,1e38", "relu,tanh"
	r, _ := sweepOf(t, o)
	paths, err := r.SavePlots()
	if err != nil || len(paths) != 2 {
		t.Fatalf("plots %q, error %v", paths, err)
	}
	for _, path := range paths {
		png, err := os.ReadFile(path + ".png")
		if err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) {
			t.Errorf("%s: %v", path, err)
		}
		svg, err := os.ReadFile(path + ".svg")
		if err != nil || !strings.Contains(string(svg), "accuracy (share of images)") || !strings.Contains(string(svg), "validation") {
			t.Errorf("%s: %v", path, err)
		}
	}
	l := r.Plot(r.Axes[0], Validation)
	if y := l.Series[0].Y; len(y) != 2 || y[0] != max(r.Trials[0].Validation(), r.Trials[1].Validation()) {
		t.Errorf("the plot has %v of %+v", y, r.Trials)
	}
}

// learnt returns an epoch's values that do not depend on the clock.
func learnt(e *metrics.Epoch) (values []metrics.Value) {
	for _, v := range e.Values {
		if v.Name == metrics.Loss || v.Name == metrics.Accuracy {
			values = append(values, v)
		}
	}
	return values
}

func TestHowASweepEndedIsOnDisk(t *testing.T) {
	o := options(t)
	dir := runs.Dir(o.Out)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	running := ""
	_, err := Run(ctx, o, "test", &reporter{onProgress: func(done int) {
		running = dir.State().Name
		if done == 1 {
			cancel(errors.New("enough"))
		}
	}})
	var interrupted *Interrupted
	if state := dir.State(); !errors.As(err, &interrupted) || running != runs.StateRunning || state.Name != runs.StateStopped {
		t.Errorf("error %v; while it runs %q, then %+v", err, running, state)
	}
	if _, err := Resume(t.Context(), dir, "test", &reporter{}); err != nil {
		t.Fatal(err)
	}
	if state := dir.State(); state.Name != runs.StateEnded {
		t.Errorf("at its end %+v", state)
	}
	// A folder in the place of its trials stands for a disk that fails.
	o.Out += "-2"
	dir = runs.Dir(o.Out)
	r := &reporter{onProgress: func(done int) {
		if done == 0 {
			if err := os.Mkdir(filepath.Join(o.Out, "tune.jsonl"), 0o777); err != nil {
				t.Error(err)
			}
		}
	}}
	if _, err := Run(t.Context(), o, "test", r); err == nil {
		t.Error("the sweep did not fail")
	} else if state := dir.State(); state.Name != runs.StateFailed || state.Error != err.Error() {
		t.Errorf("error %v, state %+v", err, state)
	}
}
