package train

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"lenet/metrics"
	"lenet/model"
	"lenet/runs"
	"lenet/statedict"
)

// A keeper keeps what a run must not lose: the weights of the last epoch and of the best one, and checkpoints. It copies them between two steps, and they
// are written in the background, in this order: a checkpoint's epochs have their weights on the disk.
type keeper struct {
	BaseObserver
	saver   *runs.Saver
	last    time.Time // when the last checkpoint was taken
	path    string    // its path
	best    string    // that of the checkpoint after the best epoch, if there is one
	foreign []string  // those of files in its folder that are no checkpoints of the run: they stay, and do not count
}

// The keys of a run's files, in the order in which they are written.
var keys = []string{keyFirst, keyWeights, keyBest, keyCheckpoint}

const (
	keyFirst      = "first" // the checkpoint before the first step, which is on the disk before any weights
	keyWeights    = "weights"
	keyBest       = "best"
	keyCheckpoint = "checkpoint"
)

func (k *keeper) Start(r *Running) error {
	k.saver, k.last = runs.NewSaver(), time.Now()
	r.Session.AfterStep(r.Options.Every, func() error {
		if !r.Options.Every.Due(r.Session.Steps(), 0, k.last) {
			return nil
		}
		return k.put(r, false, true)
	})
	if len(r.resumed) == 0 {
		first, err := k.checkpoint(r)
		first.Key = keyFirst
		return cmp.Or(err, k.write(first))
	}
	return k.takeOver(r)
}

// takeOver makes the folder of a resumed run that of its newest checkpoint: a run that was killed may have left weights of later epochs.
func (k *keeper) takeOver(r *Running) error {
	newest := r.resumed[0]
	var files []runs.File
	if newest.network[model.SpecKey] != "" {
		files = append(files, runs.File{Key: keyWeights, Path: r.Dir.Weights(), Content: newest.weights})
	}
	var own []string
	for _, c := range r.resumed {
		own = append(own, c.path)
		if n := len(c.Epochs); n > 0 && n == r.Summary.BestEpoch && c.Batches == 0 && k.best == "" {
			k.best = c.path
			files = append(files, runs.File{Key: keyBest, Path: r.Dir.BestWeights(), Content: c.weights})
		}
	}
	all, err := r.Dir.Checkpoints()
	if err != nil {
		return err
	}
	k.foreign = slices.DeleteFunc(all, func(path string) bool { return slices.Contains(own, path) })
	k.path = newest.path
	if err := k.write(files...); err != nil || !r.changed {
		return err
	}
	// What was changed is part of the next Resume, even if this process is killed at once; and nobody goes back to a checkpoint with other options.
	if err := cmp.Or(k.put(r, false, true), k.saver.Flush()); err != nil || !r.overridden {
		return err
	}
	k.best = ""
	return prune(r.Dir, 0, k.path, k.foreign)
}

func (k *keeper) Epoch(r *Running, e metrics.Epoch) error {
	return k.put(r, true, r.Options.Every.Due(r.Session.Steps(), e.Number, k.last))
}

// interrupted leaves all of a run that is interrupted. The loop calls it, and not End, so that its error takes the place of the interruption's.
func (k *keeper) interrupted(r *Running) error {
	return cmp.Or(k.put(r, true, true), k.saver.Flush())
}

// End leaves a checkpoint of a run that has ended. After an error, the last one stays as it was.
func (k *keeper) End(r *Running, err error) error {
	if k.saver == nil {
		return nil
	}
	r.Session.AfterStep(Interval{}, nil)
	if err != nil {
		if failed := k.saver.Close(); !errors.Is(err, failed) && !alike(err, failed) {
			return failed
		}
		return nil
	}
	if at := r.Dir.Checkpoint(r.Session.Steps(), len(r.Summary.Epochs)); k.path != at {
		err = k.put(r, false, true)
	}
	return cmp.Or(k.saver.Close(), err)
}

// alike says whether both errors are those of writing to a folder, which fail for one reason, and more than once.
func alike(a, b error) bool {
	var x, y *runs.WriteError
	return errors.As(a, &x) && errors.As(b, &y)
}

// put has the weights written, those of the best epoch too where that is the last one, and a checkpoint.
func (k *keeper) put(r *Running, weights, checkpoint bool) error {
	var files []runs.File
	if weights {
		tensors, metadata, err := r.Session.Weights()
		if err != nil {
			return err
		}
		content := func() ([]byte, error) { return statedict.Encode(tensors, metadata) }
		files = append(files, runs.File{Key: keyWeights, Path: r.Dir.Weights(), Content: content})
		s := r.Summary
		if isBest := r.Session.done == 0 && s.BestEpoch == len(s.Epochs); isBest || s.BestEpoch == 0 { // stopped in the first epoch, it has no other
			files = append(files, runs.File{Key: keyBest, Path: r.Dir.BestWeights(), Content: content})
		}
	}
	if checkpoint {
		file, err := k.checkpoint(r)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	return k.write(files...)
}

func (k *keeper) write(files ...runs.File) error {
	for i := range files {
		files[i].Rank = slices.Index(keys, files[i].Key)
	}
	return k.saver.Put(files...)
}

// checkpoint takes a checkpoint.
func (k *keeper) checkpoint(r *Running) (runs.File, error) {
	state, err := r.Session.State()
	if err != nil {
		return runs.File{}, err
	}
	c := &Checkpoint{Config: r.config, Epochs: slices.Clone(r.Summary.Epochs), State: *state}
	if state.Steps > 0 {
		r.Session.measure()
		if c.network, err = r.Session.Net.Metadata(); err != nil {
			return runs.File{}, err
		}
	}
	path := r.Dir.Checkpoint(state.Steps, len(c.Epochs))
	k.last, k.path = time.Now(), path
	if n := len(c.Epochs); n > 0 && r.Summary.BestEpoch == n && state.Batches == 0 {
		k.best = path
	}
	best, keep := k.best, r.Options.Keep
	return runs.File{Key: keyCheckpoint, Path: path, Content: c.Encode, Written: func() error { return prune(r.Dir, keep, best, k.foreign) }}, nil
}

// prune removes the checkpoints of a run but the last ones and another one. foreign are not the run's.
func prune(dir runs.Dir, keep int, another string, foreign []string) error {
	paths, err := dir.Checkpoints()
	if err != nil {
		return err
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return slices.Contains(foreign, path) })
	for _, path := range paths[min(keep, len(paths)):] {
		if path == another {
			continue
		}
		if err := runs.RemoveCheckpoint(path); err != nil {
			return err
		}
	}
	return nil
}
