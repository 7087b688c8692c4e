package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// What a run or a sweep may be doing.
const (
	StateRunning = "running" // a process writes to its folder
	StateEnded   = "ended"   // it did all that it was asked for, or stopped early as it was asked to
	StateStopped = "stopped" // somebody stopped or killed it; it can go on
	StateFailed  = "failed"  // an error ended it
)

// A State is what a run or a sweep is doing, and the content of status.json.
type State struct {
	Name  string    `json:"state"`
	Error string    `json:"error,omitempty"` // that ended it
	At    time.Time `json:"at,omitzero"`     // since when, in UTC; of one that was killed, zero
}

// WriteRunning says on disk that a run or a sweep has begun, or goes on. Its process holds the folder's lock.
func (d Dir) WriteRunning() error { return d.writeState(State{Name: StateRunning}) }

// WriteOutcome says on disk how a run or a sweep ended: with an error, or nil; stopped says that somebody stopped it, which is no failure. Where the
// disk says so already, it is left alone. The lock is still held.
func (d Dir) WriteOutcome(err error, stopped bool) error {
	outcome := State{Name: StateEnded}
	switch {
	case stopped:
		outcome.Name = StateStopped
	case err != nil:
		outcome = State{Name: StateFailed, Error: err.Error()}
	}
	if old, known := d.writtenState(); known && old.Name == outcome.Name && old.Error == outcome.Error {
		return nil
	}
	return d.writeState(outcome)
}

func (d Dir) writeState(state State) error {
	state.At = time.Now().UTC()
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	return replace(d.file(statusFile), append(text, '\n'))
}

// State returns what a run or a sweep is doing. It runs while a process holds its folder's lock, whatever its files say: one that was killed could not
// change them. Where there are no locks, the files are believed.
func (d Dir) State() State {
	for {
		written, known := d.writtenState()
		held, err := d.locked()
		switch {
		case held && known && written.Name == StateRunning:
			return written
		case held:
			return State{Name: StateRunning}
		case !known:
			return State{Name: d.unwritten()}
		case written.Name != StateRunning || err != nil:
			return written
		}
		// It was killed, unless it ended since its file was read.
		if again, _ := d.writtenState(); again == written {
			return State{Name: StateStopped}
		}
	}
}

// writtenState returns what status.json says; false where it is missing or damaged. Equal files are equal states.
func (d Dir) writtenState() (state State, known bool) {
	text, err := os.ReadFile(d.file(statusFile))
	if err != nil || json.Unmarshal(text, &state) != nil || !slices.Contains([]string{StateRunning, StateEnded, StateStopped, StateFailed}, state.Name) {
		return State{}, false
	}
	state.At = state.At.UTC()
	return state, true
}

// unwritten returns the state of a run or sweep of an old version, which did not write it down.
func (d Dir) unwritten() string {
	var config struct{ Epochs int }
	epochs, _, err := d.Epochs()
	if d.IsSweep() || err == nil && d.ReadConfig(&config) == nil && config.Epochs > 0 && len(epochs) >= config.Epochs {
		return StateEnded
	}
	return StateStopped
}

// locked says whether a process holds the folder's lock. [Dir.Lock] waits for longer than the moment for which this holds it.
func (d Dir) locked() (bool, error) {
	folder, err := os.Open(string(d))
	if err != nil {
		return false, err
	}
	defer folder.Close()
	err = unix.Flock(int(folder.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
