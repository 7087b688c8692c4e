package tune

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lenet/dataset"
	"lenet/runs"
)

// A sweep is a sweep in progress.
type sweep struct {
	options Options
	dir     runs.Dir
	data    *dataset.Data
	trials  []*trial
	all     []*Candidate // of the trials
	left    []*Candidate // those that halving has not dropped
	report  Reporter
	log     func(string) // tells the reporter each line once
	total   int          // epochs at most
	saver   *runs.Saver  // of the trials' checkpoints

	lock sync.Mutex // guards the trials' results, the reporter and the file
}

// train trains all trials, as far as they get.
func (s *sweep) train(ctx context.Context) (err error) {
	s.saver = runs.NewSaver()
	defer func() {
		err = cmp.Or(err, s.saver.Close())
	}()
	budgets := s.options.budgets(len(s.all))
	for i, epochs := range budgets {
		if i > 0 {
			s.drop(budgets[i-1])
		}
		err := s.advance(ctx, epochs)
		if interrupted(ctx, err) {
			if err := s.saveOpen(); err != nil {
				return err
			}
			return &Interrupted{Cause: err, Dir: s.dir}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// interrupted says whether an error is that ctx ended.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}

// saveOpen saves checkpoints of the trials that wait for more epochs, and returns when all checkpoints are written.
func (s *sweep) saveOpen() error {
	release, err := s.options.Use()
	if err != nil {
		return err
	}
	defer release()
	for _, t := range s.trials {
		if t.session == nil {
			continue
		}
		if err := t.save(s); err != nil {
			return err
		}
	}
	return s.saver.Flush()
}

// group sets the sweep's candidates and the number of epochs that they take at most.
func (s *sweep) group() {
	var trials []*Trial
	for _, t := range s.trials {
		trials = append(trials, &t.Trial)
	}
	s.all = candidates(trials)
	s.left = slices.Clone(s.all)
	s.total = s.options.epochs(s.all)
}

// advance trains the trials that are left up to a number of epochs, several at a time.
func (s *sweep) advance(ctx context.Context, epochs int) error {
	sweep := ctx
	group, ctx := errgroup.WithContext(ctx)
	todo := make(chan *trial, len(s.trials))
	for _, t := range s.trials {
		if !t.dropped {
			todo <- t
		}
	}
	close(todo)
	last := epochs == s.options.Epochs
	for range s.options.Jobs {
		group.Go(func() error {
			release, err := s.options.Use()
			if err != nil {
				return err
			}
			defer release()
			for t := range todo {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				err := t.advance(ctx, s, epochs)
				if interrupted(sweep, err) { // and not because another trial failed, perhaps on data that this one reads too
					err = cmp.Or(t.save(s), err)
				}
				if last || err != nil {
					t.close()
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// drop keeps the best third of the candidates that are left, by their accuracy after a number of epochs. A candidate is dropped with all of its
// trials.
func (s *sweep) drop(epochs int) {
	slices.SortStableFunc(s.left, func(a, b *Candidate) int { return cmp.Compare(b.after(epochs), a.after(epochs)) })
	n := kept(len(s.left))
	for _, c := range s.left[n:] {
		for _, t := range c.Trials {
			trial := s.trials[t.Number-1]
			trial.dropped = true
			trial.close()
		}
	}
	s.left = s.left[:n]
}

// begin creates the folder, or continues in that of a sweep that is resumed.
func (s *sweep) begin(version string, resumed bool) (err error) {
	if err := s.dir.MakeCheckpoints(); err != nil {
		return err
	}
	if resumed {
		err = s.writeTrials() // drops a line that was cut off
	} else {
		err = s.dir.Make(&Config{s.options, runs.Provenance{Started: time.Now(), Versions: runs.NewVersions(version)}})
	}
	if err != nil {
		return err
	}
	return s.dir.WriteRunning()
}

// tell says on disk how the sweep ended.
func (s *sweep) tell(err error) {
	var interrupted *Interrupted
	if failed := s.dir.WriteOutcome(err, errors.As(err, &interrupted)); err == nil && failed != nil { // an error that ended the sweep says it already, as of a full disk
		s.log(failed.Error())
	}
}

// record appends a trial to those of the folder.
func (s *sweep) record(t *Trial) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.dir.AppendTrial(t)
}

// once returns a log that leaves out lines that it was given before: every trial may have the same notice.
func (s *sweep) once(log func(string)) func(string) {
	told := map[string]bool{}
	return func(line string) {
		s.lock.Lock()
		defer s.lock.Unlock()
		if !told[line] {
			told[line] = true
			log(line)
		}
	}
}

// update changes a trial and reports the progress.
func (s *sweep) update(change func()) {
	s.lock.Lock()
	defer s.lock.Unlock()
	change()
	done := 0
	for _, t := range s.trials {
		done += len(t.Metrics)
	}
	s.report.Progress(done, s.total, best(s.all))
}
