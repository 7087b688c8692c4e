package tune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lenet/compute"
	"lenet/runs"
)

// A Reporter follows a sweep. Its methods are never called concurrently.
type Reporter interface {
	Log(line string)
	Begin(trials, jobs int, o *Options) // before the first trial; o is resolved

	// Progress is called at the beginning and after every epoch: done of at most total epochs are trained. best is what [Result.Best] would return if the sweep ended
	// now: candidates with more epochs go first, then those with a higher mean over the seeds. It is nil until all trials of a candidate have
	// an epoch.
	Progress(done, total int, best *Candidate)
}

// A Result is a sweep's outcome.
type Result struct {
	Dir     runs.Dir
	Options Options
	Trials  []Trial // in the sweep's order
	Axes    []Axis  // with more than one value
	Seconds float64 // wall-clock time; of a sweep that was read, the sum over its trials
}

// Candidates returns the sweep's candidates, in their order.
func (r *Result) Candidates() []*Candidate {
	return candidates(r.trials(func(*Trial) bool { return true }))
}

// Best returns the candidate that validation chooses: among those with the most epochs the first with the highest accuracy, averaged over the
// seeds. It is nil if every candidate has failed.
func (r *Result) Best() *Candidate { return best(r.Candidates()) }

// Choices returns the swept axes that candidates differ in: all but the seed.
func (r *Result) Choices() []Axis {
	return slices.DeleteFunc(slices.Clone(r.Axes), func(a Axis) bool { return a.Repeats })
}

// SweepsSeeds reports whether candidates have several trials.
func (r *Result) SweepsSeeds() bool { return len(r.Choices()) < len(r.Axes) }

func (r *Result) trials(wanted func(*Trial) bool) (all []*Trial) {
	for i := range r.Trials {
		if wanted(&r.Trials[i]) {
			all = append(all, &r.Trials[i])
		}
	}
	return all
}

// A Config is what config.json holds: all that is needed to continue a sweep.
type Config struct {
	Options
	runs.Provenance
}

// Run runs the sweep that o describes and saves its trials in a folder.
//
// Errors: [option.Error]; those of the data set and of the file system; [Interrupted], when ctx ends. A loss that is not finite fails its
// trial and is not an error.
func Run(ctx context.Context, o Options, version string, report Reporter) (*Result, error) {
	dir, err := runs.New(o.Out, "tune-", time.Now(), o.Force)
	if err != nil {
		return nil, err
	}
	o.Out, o.Dir, o.Classes = string(dir), runs.Absolute(o.Dir), runs.Absolute(o.Classes)
	return run(ctx, o, version, report, nil)
}

// Resume continues the sweep in a folder. Trials that are done are not repeated.
func Resume(ctx context.Context, dir runs.Dir, version string, report Reporter) (*Result, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if config.Started.IsZero() {
		return nil, fmt.Errorf("tune: %s holds no sweep's options", dir.Config())
	}
	unlock, err := dir.Lock() // before its trials are read: another process may be adding some
	if err != nil {
		return nil, err
	}
	defer unlock()
	done, err := readTrials(dir, report.Log)
	if err != nil {
		return nil, err
	}
	for _, path := range []*string{&config.Dir, &config.Classes} {
		if *path, err = dir.Locate(*path); err != nil {
			return nil, err
		}
	}
	config.Options.Out = string(dir)
	return run(ctx, config.Options, version, report, done)
}

// Read returns the outcome so far of the sweep in a folder. log gets notices.
//
// Errors: [runs.EmptyError]; [fs.ErrNotExist].
func Read(dir runs.Dir, log func(string)) (*Result, *Config, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, nil, err
	}
	trials, err := readTrials(dir, log)
	if err != nil {
		return nil, nil, err
	}
	_, axes, err := config.settings()
	if err != nil {
		return nil, nil, fmt.Errorf("tune: %s: %w", dir, err)
	}
	r := &Result{Dir: dir, Options: config.Options, Axes: swept(axes)}
	for _, number := range slices.Sorted(maps.Keys(trials)) {
		r.Trials = append(r.Trials, trials[number])
		r.Seconds += trials[number].Seconds
	}
	if len(r.Trials) == 0 {
		return nil, nil, &runs.EmptyError{Dir: dir, Sweep: true}
	}
	return r, config, nil
}

func readConfig(dir runs.Dir) (*Config, error) {
	config := &Config{Options: Defaults()}
	if dir.Exists() && !dir.IsSweep() {
		return nil, fmt.Errorf("tune: %s is the folder of a run, and not of a sweep", dir)
	}
	return config, dir.ReadConfig(config)
}

// run is Run for a folder that is checked, with the trials that are done already: nil for a new sweep.
func run(ctx context.Context, o Options, version string, report Reporter, done map[int]Trial) (_ *Result, err error) {
	start := time.Now()
	if err := o.validate(); err != nil {
		return nil, err
	}
	settings, axes, err := o.settings()
	if err != nil {
		return nil, err
	}
	if err := o.resolve(len(settings), report.Log); err != nil {
		return nil, err
	}
	s := &sweep{options: o, dir: runs.Dir(o.Out), report: report}
	s.log = s.once(report.Log)
	if s.data, err = o.Source.Load(ctx, s.log); err != nil {
		return nil, err
	}
	if images := s.data.Train.Len(); o.Validation == defaultValidation && 2*o.Validation > images {
		o.Validation = max(1, images/smallShare)
		s.options.Validation = o.Validation
		s.log(fmt.Sprintf("--validation %d: a seventh of the %d training images", o.Validation, images))
	}
	if err := s.data.SplitOff(o.Validation); err != nil {
		return nil, err
	}
	for i, setting := range settings {
		t := &trial{Trial: Trial{Number: i + 1, Hyperparameters: setting}}
		if d, ok := done[i+1]; ok && d.Hyperparameters == setting {
			t.Trial = d
		}
		s.trials = append(s.trials, t)
	}
	s.group()
	defer func() {
		for _, t := range s.trials {
			t.close()
		}
	}()
	if done == nil { // a sweep that is resumed has its lock
		unlock, err := s.dir.Lock()
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	if err := s.begin(version, done != nil); err != nil {
		return nil, err
	}
	defer func() { s.tell(err) }()
	report.Begin(len(settings), o.Jobs, &o)
	s.update(func() {})
	if err := s.train(ctx); err != nil {
		return nil, err
	}
	r := &Result{Dir: s.dir, Options: o, Axes: swept(axes), Seconds: time.Since(start).Seconds()}
	for _, t := range s.trials {
		r.Trials = append(r.Trials, t.Trial)
	}
	// One line per trial; with all of them, nobody goes on with a checkpoint.
	return r, errors.Join(s.writeTrials(), s.dir.RemoveTrialCheckpoints())
}

// An Interrupted error reports that the context ended before the sweep did.
type Interrupted struct {
	Cause error
	Dir   runs.Dir
}

func (e *Interrupted) Error() string { return e.Cause.Error() }

func (e *Interrupted) Unwrap() error { return e.Cause }

// gpuJobs is the default number of trials at a time on a GPU. Its multiprocessors compute one span at a time; meanwhile other trials load, evaluate and
// report. Whether another number is faster was not measured.
const gpuJobs = 4

// resolve sets the device, jobs and threads that were left open. Jobs and threads are set so that together they are as many as
// one training takes by default.
func (o *Options) resolve(trials int, log func(string)) error {
	threads := o.Threads
	all, _ := compute.DefaultThreads()
	if err := o.Resolve(log); err != nil {
		return err
	}
	if o.Jobs == 0 {
		o.Jobs = all
		if o.Device != compute.CPU {
			o.Jobs = gpuJobs
		}
	}
	o.Jobs = min(o.Jobs, trials)
	if o.CarryOver {
		o.Jobs = 1
	}
	if threads == 0 {
		o.Threads = max(1, all/o.Jobs)
	}
	return nil
}

// epochs returns the number of epochs that candidates take together at most: those that halving keeps may have fewer seeds than others.
func (o *Options) epochs(all []*Candidate) (total int) {
	var seeds []int // of each candidate
	for _, c := range all {
		seeds = append(seeds, len(c.Trials))
	}
	slices.SortFunc(seeds, func(a, b int) int { return b - a })
	before := 0
	for _, budget := range o.budgets(len(all)) {
		for _, n := range seeds {
			total += n * (budget - before)
		}
		seeds, before = seeds[:kept(len(seeds))], budget
	}
	return total
}
