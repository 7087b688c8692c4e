package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"lenet/compute"
	"lenet/model"
	"lenet/option"
	"lenet/runs"
	"lenet/torchx"
)

// free are the options that may change from one part of a run to the next: they do not change what a step computes, or, as the data's place, something
// else makes sure of that.
var free = []string{
	"epochs", "early_stop", "checkpoint_every", "keep_checkpoints", "tensorboard", "out", "force", "data", "classes", "mirror", "data_on_device",
}

// differing returns the names of options that differ, as config.json has them.
func differing(a, b Options) ([]string, error) {
	var fields [2]map[string]json.RawMessage
	for i, o := range []Options{a, b} {
		text, err := json.Marshal(o)
		if err == nil {
			err = json.Unmarshal(text, &fields[i])
		}
		if err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	var names []string
	for key, value := range fields[0] {
		if !bytes.Equal(value, fields[1][key]) {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Of says whether a checkpoint is of a training with these options, but for those that do not matter to it.
func (c *Checkpoint) Of(o Options) bool {
	names, err := contradicting(c.Config.Options, o)
	return err == nil && len(names) == 0
}

// contradicting returns the names of options that differ and are not free, as the command line has them.
func contradicting(a, b Options) (names []string, err error) {
	all, err := differing(a, b)
	for _, name := range all {
		if name == "threads" && a.Kernels == compute.Fused && b.Kernels == compute.Fused {
			continue // libtorch's own operators add up in an order that depends on them
		}
		if !slices.Contains(free, name) {
			names = append(names, strings.ReplaceAll(name, "_", "-"))
		}
	}
	return names, err
}

// A ContradictionError says which options differ from those that a run was begun with, and must not.
type ContradictionError struct{ Options []string } // as "batch-size"

func (e *ContradictionError) Error() string {
	return fmt.Sprintf("train: the run was begun with another %s", strings.Join(e.Options, ", "))
}

// Resume goes on with the run in the folder o.Out, where it was stopped or killed. It ends with the weights and the metrics, times apart, of a run that
// never was, to the bit where the processor is of the same kind. o are [ResumedConfig]'s options, of which those may differ that do not change what is
// learnt; more epochs may be asked for. With override, others may differ too.
//
// A run that has ended is not trained: its summary has no Chance and no Profile.
//
// Errors: those of [Run]; [NotResumableError]; [runs.BusyError].
func Resume(ctx context.Context, o Options, override bool, version string, log func(string), observers ...Observer) (*Summary, error) {
	dir := runs.Dir(o.Out)
	if !dir.Exists() && !dir.HasCheckpoints() { // nor is it made
		return nil, &NotResumableError{Dir: dir}
	}
	unlock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := readCheckpoints(dir, log)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{}
	if len(all) > 0 {
		c = all[0]
	} else { // it was stopped before its first one
		config, err := ReadConfig(dir)
		if err != nil {
			return nil, err
		}
		c.Config = *config
	}
	r := &Running{Options: o, Log: log, config: c.Config, resumed: all, Summary: &Summary{Dir: dir}}
	if err := r.compare(c, override); err != nil {
		return nil, err
	}
	if r.ended(c) {
		return r.Summary, r.mend(c)
	}
	end, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	r.locate(dir)
	if err := r.restore(c, override); err != nil {
		return nil, err
	}
	for _, difference := range c.Config.Versions.Differences(runs.NewVersions(version)) {
		log("the run was begun with " + difference + ": it may end with other bits")
	}
	changed, err := differing(r.Options, c.Config.Options)
	if err != nil {
		return nil, err
	}
	r.changed = len(changed) > 0
	r.config.Options = r.Options
	if err := dir.WriteConfig(&r.config); err != nil {
		return nil, err
	}
	return r.Summary, r.run(ctx, observers)
}

// compare checks that the run's options may go on with a checkpoint.
func (r *Running) compare(c *Checkpoint, override bool) error {
	names, err := contradicting(r.Options, c.Config.Options)
	if err != nil {
		return err
	}
	if len(names) > 0 && !override {
		return &ContradictionError{names}
	}
	r.overridden = len(names) > 0
	switch epochs := len(c.Epochs); {
	case r.Options.Epochs < epochs:
		return option.Errorf("epochs", "is %d, and the run has %d already", r.Options.Epochs, epochs)
	case r.Options.Epochs == epochs && c.Batches > 0:
		return option.Errorf("epochs", "is %d, and the run is in epoch %d already", r.Options.Epochs, epochs+1)
	}
	return nil
}

// ended takes over the epochs of a checkpoint, and says whether they are all that the options ask for.
func (r *Running) ended(c *Checkpoint) bool {
	for _, e := range c.Epochs {
		r.Summary.add(e)
	}
	n := len(c.Epochs)
	switch {
	case n == r.Options.Epochs:
		r.Log(fmt.Sprintf("the run in %s has ended, after %d epochs; for more give --epochs", r.Summary.Dir, n))
	case n > 0 && stale(r):
		r.Log(fmt.Sprintf("the run in %s has stopped early, after %d epochs; for more give a larger --early-stop, or 0", r.Summary.Dir, n))
	default:
		return false
	}
	return true
}

// mend writes what a run that has ended may lack all the same: the last lines after a power failure, or weights that somebody removed.
func (r *Running) mend(c *Checkpoint) error {
	dir := r.Summary.Dir
	if err := dir.WriteEpochs(r.Summary.Epochs); err != nil {
		return err
	}
	if !dir.Exists() {
		if err := dir.WriteConfig(&c.Config); err != nil {
			return err
		}
	}
	if _, err := os.Stat(dir.Weights()); err != nil && c.network[model.SpecKey] != "" {
		file, err := c.weights()
		if err != nil {
			return err
		}
		if err := runs.WriteFile(dir.Weights(), file); err != nil {
			return err
		}
	}
	return dir.WriteOutcome(nil, false) // it may have been killed since its last checkpoint
}

// restore makes the session go on from a checkpoint.
func (r *Running) restore(c *Checkpoint, override bool) error {
	if c.tensors == nil { // there is none
		r.Log(fmt.Sprintf("the run in %s was stopped before its first checkpoint: it begins again", r.Dir))
		return nil
	}
	state := c.State
	if whole := len(c.Epochs) * r.Session.batches; override && state.Steps != whole+state.Batches { // an epoch has another number of steps
		state.Steps, state.Batches, state.Totals, state.Seconds = whole, 0, torchx.Totals{}, 0
	}
	if override {
		state.Data, state.Test = r.Session.checksum, r.Session.testChecksum
	}
	dropped, err := r.Session.Restore(&state)
	if err != nil {
		return err
	}
	if dropped {
		r.Log("the optimizer's state, or what of it the checkpoint lacks, begins anew: that is another one's")
	}
	old := &c.Config.Options
	if o := &r.Options; o.Factor(state.Steps, r.Session.batches, o.Epochs) != old.Factor(state.Steps, r.Session.batches, old.Epochs) {
		r.Log(fmt.Sprintf("--schedule %s now spans %d epochs: the first ones were trained as part of %d", o.Schedule.Name, o.Epochs, old.Epochs))
	}
	where := fmt.Sprintf("after epoch %d", len(c.Epochs))
	if state.Steps == 0 {
		where = "from its beginning: it was stopped before a step was saved"
	} else if state.Batches > 0 {
		where = fmt.Sprintf("after step %d of %d of epoch %d", state.Batches, r.Session.batches, len(c.Epochs)+1)
	}
	r.Log(fmt.Sprintf("going on with %s %s", r.Dir, where))
	return nil
}
