package dataset

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readsAhead says whether the system reads ahead in the mapping that begins at first.
func readsAhead(t *testing.T, first *byte) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(fmt.Sprintf(`(?s)(?:^|\n)%08x-.*?\nVmFlags:(.*?)\n`, uintptr(unsafe.Pointer(first)))).FindSubmatch(maps)
	if flags == nil {
		t.Fatalf("no mapping begins at %p", first)
	}
	return !bytes.Contains(flags[1], []byte("rr"))
}

func TestASetReadTwiceOverIsNoLongerReadAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images")
	content := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	mapped, err := unix.Mmap(int(file.Fd()), 0, len(content), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mapped) }()

	images := mapped[16:]
	read := int64(1000)
	p := pager{images: images, size: 784, read: func() int64 { return read }}
	for _, step := range []struct {
		gathered int64 // bytes read by gathering this batch
		ahead    bool
	}{{0, true}, {2 * int64(len(images)), true}, {1, false}, {0, false}} {
		read += 10 * int64(len(images)) // by others
		calls := 0
		p.expect([]uint32{0, 5, uint32(len(images)/784) - 1})
		p.watch(func() { read += step.gathered; calls++ })
		if ahead := readsAhead(t, &mapped[0]); ahead != step.ahead || calls != 1 {
			t.Errorf("after %d bytes, of a set of %d: reads ahead is %v, gathered %d times", p.total, len(images), ahead, calls)
		}
	}
	if !bytes.Equal(mapped, content) {
		t.Error("the images are others")
	}
}
