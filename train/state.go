package train

import (
	"fmt"
	"slices"
	"strings"
	"time"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/metrics"
	"lenet/statedict"
	"lenet/torchx"
)

// State returns how far the session is, with copies of all that a step changes. It is called between two steps, not while the moving averages are in
// the weights' place.
func (s *Session) State() (*State, error) {
	state := &State{Steps: s.trainer.steps, Batches: s.done, Data: s.checksum, Test: s.testChecksum, tensors: map[string]statedict.Tensor{}}
	if s.done > 0 {
		var err error
		if state.Totals, err = s.trainer.total.Totals(); err != nil {
			return nil, err
		}
		state.Seconds = s.seconds()
	}
	for name, p := range s.stateful() {
		elements := int64(1)
		for _, d := range p.shape {
			elements *= d
		}
		t := statedict.Tensor{Name: name, Shape: p.shape, Values: make([]float32, elements)}
		if err := torchx.Read(t.Values, p.Tensor); err != nil {
			return nil, fmt.Errorf("train: reading %s: %w", name, err)
		}
		state.tensors[name] = t
	}
	if state.check() != nil { // the update overflowed, and no loss was computed since
		return nil, s.explain(ErrDiverged, s.trainer.steps/max(1, s.batches)+1)
	}
	return state, nil
}

// A DataError says that the images are not those that a checkpoint's network was trained on or tested with.
type DataError struct{ Split metrics.Split }

func (e *DataError) Error() string {
	return fmt.Sprintf("train: the %s images are not those of the checkpoint", e.Split)
}

// Restore makes a new session go on from a state of another one. Where that had another optimizer, or kept no averages, which is no error, this session's begin
// anew, and dropped is true.
//
// Errors: [DataError]; another network.
func (s *Session) Restore(state *State) (dropped bool, err error) {
	switch {
	case state.Data != s.checksum:
		return false, &DataError{metrics.Train}
	case state.Test != s.testChecksum:
		return false, &DataError{metrics.Test}
	case state.Batches > s.batches:
		return false, fmt.Errorf("train: the checkpoint is after %d batches of an epoch of %d", state.Batches, s.batches)
	}
	values, stateful := map[string][]float32{}, s.stateful()
	for name, p := range stateful {
		t, ok := state.tensors[name]
		if weight, kept := strings.CutSuffix(strings.TrimPrefix(name, optimizerPrefix), ".average"); !ok && kept {
			t, ok = state.tensors[weight], true // averages begin as the weights
			dropped = true
		}
		if !ok && p.optimizer { // it begins with zeros
			dropped = true
			continue
		}
		if !slices.Equal(t.Shape, p.shape) {
			return false, fmt.Errorf("train: the checkpoint's %s is %v, and this network's %v", name, t.Shape, p.shape)
		}
		values[name] = t.Values
	}
	for name, p := range stateful {
		if values[name] == nil {
			continue
		}
		if err := torchx.Write(p.Tensor, values[name]); err != nil {
			return false, fmt.Errorf("train: writing %s: %w", name, err)
		}
	}
	s.trainer.steps, s.done, s.before = state.Steps, state.Batches, state.Seconds
	if err := s.trainer.total.Restore(state.Totals); err != nil {
		return false, err
	}
	if s.done > 0 {
		err = s.trainer.read()
	}
	return dropped, err
}

// A stateful tensor is one that a step changes.
type stateful struct {
	torch.Tensor
	shape     []int64
	optimizer bool // it is the optimizer's
}

// stateful returns all that a step changes, by the names in a checkpoint.
func (s *Session) stateful() map[string]stateful {
	all := map[string]stateful{}
	for _, p := range s.Net.Parameters() {
		all[p.Name] = stateful{p.Tensor, p.Shape, false}
	}
	for _, p := range s.trainer.opt.State() {
		shape := p.Tensor.Shape()
		if len(shape) == 0 { // a single number, which package safetensors takes for none
			shape = []int64{1}
		}
		all[optimizerPrefix+p.Name] = stateful{p.Tensor, shape, true}
	}
	return all
}

// seconds returns how long the training of the epoch under way has taken.
func (s *Session) seconds() float64 { return s.before + time.Since(s.began).Seconds() }
