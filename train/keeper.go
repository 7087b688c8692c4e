package train

import (
	"cmp"
	"slices"
	"time"

	"lenet/metrics"
	"lenet/runs"
	"lenet/statedict"
)

// A keeper keeps what a run must not lose: the weights of the last epoch and of the best one, and checkpoints. It copies them between two steps, and they
// are written in the background, in this order: a checkpoint's epochs have their weights on the disk.
type keeper struct {
	BaseObserver
	saver *runs.Saver
	last  time.Time // when the last checkpoint was taken
	path  string    // its path
	best  string    // path of the checkpoint after the best epoch, if there is one
}

// The keys of a run's files.
const (
	keyWeights    = "weights"
	keyBest       = "best"
	keyCheckpoint = "checkpoint"
)

func (k *keeper) Start(r *Running) error {
	k.saver, k.last = runs.NewSaver(), time.Now()
	r.Session.AfterStep(func() error {
		if !r.Options.Every.Due(r.Session.Steps(), 0, k.last) {
			return nil
		}
		return k.put(r, false, true)
	})
	if !r.changed {
		return nil
	}
	// What was changed is part of the next Resume, even if this process is killed at once.
	return cmp.Or(k.put(r, false, true), k.saver.Flush())
}

func (k *keeper) Epoch(r *Running, e metrics.Epoch) error {
	return k.put(r, true, r.Options.Every.Due(r.Session.Steps(), e.Number, k.last))
}

// interrupted leaves all of a run that is interrupted.
func (k *keeper) interrupted(r *Running) error {
	return cmp.Or(k.put(r, true, true), k.saver.Flush())
}

// End leaves a checkpoint of a run that has ended. After an error, the last one stays as it was, and what the saver says then is no news.
func (k *keeper) End(r *Running, err error) error {
	if k.saver == nil {
		return nil
	}
	r.Session.AfterStep(nil)
	if err != nil {
		_ = k.saver.Close()
		return nil
	}
	if k.path != r.Dir.Checkpoint(r.Session.Steps(), len(r.Summary.Epochs)) {
		err = k.put(r, false, true)
	}
	return cmp.Or(k.saver.Close(), err)
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
		if s := r.Summary; r.Session.done == 0 && s.BestEpoch == len(s.Epochs) || s.BestEpoch == 0 {
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
	return k.saver.Put(files...)
}

// checkpoint takes a checkpoint.
func (k *keeper) checkpoint(r *Running) (runs.File, error) {
	state, err := r.Session.State()
	if err != nil {
		return runs.File{}, err
	}
	c := &Checkpoint{Config: r.config, Epochs: slices.Clone(r.Summary.Epochs), State: *state}
	path := r.Dir.Checkpoint(state.Steps, len(c.Epochs))
	k.last, k.path = time.Now(), path
	if n := len(c.Epochs); n > 0 && r.Summary.BestEpoch == n && state.Batches == 0 {
		k.best = path
	}
	best, keep := k.best, r.Options.Keep
	return runs.File{Key: keyCheckpoint, Path: path, Content: c.Encode, Written: func() error { return prune(r.Dir, keep, best) }}, nil
}

// prune removes all checkpoints of a run but the last ones and that of the best epoch.
func prune(dir runs.Dir, keep int, best string) error {
	paths, err := dir.Checkpoints()
	if err != nil {
		return err
	}
	for _, path := range paths[min(keep, len(paths)):] {
		if path == best {
			continue
		}
		if err := runs.RemoveCheckpoint(path); err != nil {
			return err
		}
	}
	return nil
}
