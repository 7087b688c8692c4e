package runs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestASaverWritesTheNewestOfWhatWaits(t *testing.T) {
	dir := t.TempDir()
	s := NewSaver()
	var order []string
	file := func(key, content string, wait <-chan struct{}) File {
		return File{Key: key, Rank: map[string]int{"weights": 0, "best": 1, "checkpoint": 2}[key], Path: filepath.Join(dir, key), Content: func() ([]byte, error) {
			if wait != nil {
				<-wait
			}
			return []byte(content), nil
		}, Written: func() error {
			order = append(order, content)
			return nil
		}}
	}
	slow := make(chan struct{})
	put := func(files ...File) {
		t.Helper()
		if err := s.Put(files...); err != nil {
			t.Fatal(err)
		}
	}
	put(file("weights", "weights 1", slow))
	for busy := false; !busy; time.Sleep(time.Millisecond) { // until it is being written
		s.lock.Lock()
		busy = s.busy
		s.lock.Unlock()
	}
	put(file("weights", "weights 2", nil), file("best", "best 2", nil), file("checkpoint", "checkpoint 2", nil))
	put(file("weights", "weights 3", nil), file("checkpoint", "checkpoint 3", nil))
	close(slow)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"weights 1", "weights 3", "best 2", "checkpoint 3"}; !slices.Equal(order, want) {
		t.Errorf("written %q, want %q", order, want)
	}
	// Weights that wait with their checkpoint are not left for after it.
	slow, order = make(chan struct{}), nil
	put(file("weights", "weights 4", slow))
	for busy := false; !busy; time.Sleep(time.Millisecond) {
		s.lock.Lock()
		busy = s.busy
		s.lock.Unlock()
	}
	put(file("weights", "weights 5", nil), file("checkpoint", "checkpoint 5", nil))
	put(file("weights", "weights 6", nil), file("best", "best 6", nil))
	put(file("best", "best 7", nil), file("checkpoint", "checkpoint 7", nil))
	close(slow)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"weights 4", "weights 6", "best 7", "checkpoint 7"}; !slices.Equal(order, want) {
		t.Errorf("written %q, want %q", order, want)
	}
	put(file("weights", "weights 3", nil))
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "weights")); err != nil || string(text) != "weights 3" {
		t.Errorf("%q, error %v", text, err)
	}

	// After an error nothing more is written, and whoever waits hears of it.
	bad := errors.New("bad")
	put(File{Key: "bad", Path: filepath.Join(dir, "bad"), Content: func() ([]byte, error) { return nil, bad }})
	if err := s.Flush(); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
	if err := s.Put(file("late", "late", nil)); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("%v, error %v", entries, err)
	}
}

// A writer that was killed leaves a temporary file, which the next one removes.
func TestALockRemovesWhatWasLeftHalfWritten(t *testing.T) {
	dir := Dir(t.TempDir())
	if err := dir.MakeCheckpoints(); err != nil {
		t.Fatal(err)
	}
	left := []string{".model.safetensors123", ".best.safetensors4", ".config.json55", ".lr.svg6", ".batch-size.png77", "checkpoints/.epoch-00001-step-00000001.safetensors9"}
	kept := []string{".model.safetensors", ".vimrc1", ".confusion.png1", "model.safetensors", "checkpoints/epoch-00001-step-00000001.safetensors", "checkpoints/.mine1"}
	for _, name := range append(left, kept...) {
		if err := os.WriteFile(filepath.Join(string(dir), name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	var names []string
	for _, name := range append(left, kept...) {
		if _, err := os.Stat(filepath.Join(string(dir), name)); err == nil {
			names = append(names, name)
		}
	}
	if !slices.Equal(names, kept) {
		t.Errorf("there are %s", strings.Join(names, ", "))
	}
}
