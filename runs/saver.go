package runs

import (
	"slices"
	"sync"
)

// A File is a file of a folder that is to be written.
type File struct {
	Key     string                 // of files with the same key, one replaces another
	Rank    int                    // of files that wait, those with a lower one are written first
	Path    string                 // where it is written, whole or not at all; its folder is there
	Content func() ([]byte, error) // called in the background; nil: the file is removed
	Written func() error           // called after it; may be nil
}

// A Saver writes files in the background: whoever trains does not wait for the disk. Where files come faster than the disk takes them, the newest with a key
// replaces the one that waits. After an error nothing more is written.
type Saver struct {
	lock    sync.Mutex
	changed sync.Cond
	waiting []File
	busy    bool // a file is being written
	closed  bool
	err     error
}

// NewSaver returns a Saver, which needs a Close.
func NewSaver() *Saver {
	s := &Saver{}
	s.changed.L = &s.lock
	go s.write()
	return s
}

// Put adds files. It returns the error of an earlier one.
func (s *Saver) Put(files ...File) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, f := range files {
		if old := slices.IndexFunc(s.waiting, func(w File) bool { return w.Key == f.Key }); old >= 0 {
			s.waiting[old] = f
		} else {
			s.waiting = append(s.waiting, f)
		}
	}
	slices.SortStableFunc(s.waiting, func(a, b File) int { return a.Rank - b.Rank })
	s.changed.Broadcast()
	return s.err
}

// Flush returns when all files are written, or one could not be.
func (s *Saver) Flush() error {
	s.lock.Lock()
	defer s.lock.Unlock()
	for s.err == nil && (s.busy || len(s.waiting) > 0) {
		s.changed.Wait()
	}
	return s.err
}

// Close is Flush, and ends the Saver.
func (s *Saver) Close() error {
	err := s.Flush()
	s.lock.Lock()
	defer s.lock.Unlock()
	s.closed = true
	s.changed.Broadcast()
	return err
}

// write writes one file after another until Close.
func (s *Saver) write() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for {
		for !s.closed && (len(s.waiting) == 0 || s.err != nil) {
			s.changed.Wait()
		}
		if s.closed {
			return
		}
		f := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.busy = true
		s.lock.Unlock()
		err := f.write()
		s.lock.Lock()
		s.busy, s.err = false, err
		s.changed.Broadcast()
	}
}

func (f *File) write() error {
	if f.Content == nil {
		return RemoveCheckpoint(f.Path)
	}
	content, err := f.Content()
	if err == nil {
		err = replace(f.Path, content)
	}
	if err == nil && f.Written != nil {
		err = f.Written()
	}
	return err
}
