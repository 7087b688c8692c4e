package runs

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A BusyError says that another process is writing a run or a sweep to a folder.
type BusyError struct{ Dir Dir }

func (e *BusyError) Error() string {
	return fmt.Sprintf("runs: another process is writing to %s", e.Dir)
}

// A lock is tried for 200 ms: longer than a busy machine may keep a process that asks for a run's state, and holds the lock for a moment, from going on.
const (
	lockTries = 40
	lockPause = 5 * time.Millisecond
)

// Lock makes the folder and keeps other processes from writing a run or a sweep to it, until release is called or this process ends. On a file
// system without locks it does nothing more. What earlier processes left half written is removed.
//
// Errors: [BusyError]; [WriteError].
func (d Dir) Lock() (release func(), err error) {
	if err := os.MkdirAll(string(d), 0o777); err != nil {
		return nil, &WriteError{string(d), fmt.Errorf("creating the folder: %w", err)}
	}
	folder, err := os.Open(string(d))
	if err != nil {
		return nil, &WriteError{string(d), err}
	}
	for range lockTries {
		if err = unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			break
		}
		time.Sleep(lockPause)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		folder.Close()
		return nil, &BusyError{d}
	}
	if err := d.clearTemporary(); err != nil {
		folder.Close()
		return nil, err
	}
	return func() { folder.Close() }, nil
}
