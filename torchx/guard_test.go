package torchx

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
	"golang.org/x/sys/unix"
)

// mapped returns a file of three pages of ones, and its memory.
func mapped(t *testing.T) (path string, memory []byte) {
	t.Helper()
	content := make([]byte, 3*os.Getpagesize())
	for i := range content {
		content[i] = 1
	}
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if memory, err = unix.Mmap(int(file.Fd()), 0, len(content), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	return path, memory // which stays mapped: it is guarded
}

func TestAGuardedFileThatBecomesShorterReadsAsZeros(t *testing.T) {
	page := os.Getpagesize()
	path, memory := mapped(t)
	other, _ := mapped(t)
	var guard Guard
	if err := errors.Join(guard.Add(other, memory[:page]), guard.Add(path, memory), guard.Add(path, memory)); err != nil {
		t.Fatal(err)
	}
	if err := guard.Err(); err != nil || memory[len(memory)-1] != 1 {
		t.Fatalf("before: %v", err)
	}
	if err := os.Truncate(path, int64(page)); err != nil {
		t.Fatal(err)
	}
	if memory[0] != 1 || guard.Err() != nil {
		t.Errorf("the first page, which is still there: %d, %v", memory[0], guard.Err())
	}
	var lost *LostError
	if memory[2*page] != 0 || !errors.As(guard.Err(), &lost) || lost.Path != path {
		t.Errorf("the last page: %d, %v", memory[2*page], guard.Err())
	}
	// Threads that C++ made read it, too: libtorch's.
	path, memory = mapped(t)
	guard = Guard{}
	if err := errors.Join(guard.Add(path, memory), os.Truncate(path, 0)); err != nil {
		t.Fatal(err)
	}
	sum := 0
	err := Do(func(s *Scope) error {
		copied := make([]float32, len(memory))
		x := s.Own(Bytes(s, memory, int64(len(memory))).CastTo(torch.Float))
		if err := Read(copied, x); err != nil {
			return err
		}
		for _, v := range copied {
			sum += int(v)
		}
		return nil
	})
	if err != nil || sum != 0 || !errors.As(guard.Err(), &lost) || lost.Path != path {
		t.Errorf("in C++: sum %d, %v, %v", sum, err, guard.Err())
	}
}

// A fault in memory that is not guarded is Go's, as before.
func TestOtherFaultsAreGos(t *testing.T) {
	path, memory := mapped(t)
	var guard Guard
	_, guarded := mapped(t)
	if err := errors.Join(guard.Add("guarded", guarded), os.Truncate(path, 0)); err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if _, ok := recover().(runtime.Error); !ok || guard.Err() != nil {
			t.Errorf("no panic, or %v", guard.Err())
		}
	}()
	t.Error("it was read: ", memory[0])
}
