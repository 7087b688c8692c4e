package train

import (
	"strconv"
	"strings"
	"testing"
)

// bytesOfProcess finds a process in nvidia-smi's lines of number and MiB; ok is whether it is there with its memory.
func bytesOfProcess(list string, pid int) (bytes int64, ok bool) {
	for line := range strings.Lines(list) {
		number, mib, _ := strings.Cut(line, ",")
		if strings.TrimSpace(number) != strconv.Itoa(pid) {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(mib), 10, 64)
		return n << 20, err == nil
	}
	return 0, false
}

func TestAProcessIsFoundAmongThoseOnAGPU(t *testing.T) {
	list := "1123, 512\n23, 1640\n77, [N/A]\n"
	for _, c := range []struct {
		pid   int
		bytes int64
		ok    bool
	}{{23, 1640 << 20, true}, {1123, 512 << 20, true}, {77, 0, false}, {3, 0, false}} {
		if bytes, ok := bytesOfProcess(list, c.pid); bytes != c.bytes || ok != c.ok {
			t.Errorf("process %d: %d, %v, want %d, %v", c.pid, bytes, ok, c.bytes, c.ok)
		}
	}
	if _, ok := bytesOfProcess("", 1); ok {
		t.Error("a process is found in an empty list")
	}
}
