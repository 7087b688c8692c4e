//go:build asan

package torchx

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"
)

// A header is what Go has for a slice. Go itself would not make one that is too long.
type header struct {
	first            unsafe.Pointer
	length, capacity int
}

// Each mistake is made in a process of its own, which a sanitizer has to end: where nothing is found elsewhere, somebody has looked. In a build without
// sanitizers all three go unnoticed.
func TestTheSanitizersSeeMistakes(t *testing.T) {
	const variable = "LENET_TEST_MISTAKE"
	for name, c := range map[string]struct {
		report string
		make   func(u *net, b Batch) error
	}{
		"a network after Close": {"heap-use-after-free", func(u *net, b Batch) error {
			closed := *u.Network
			u.Close()
			return closed.Evaluate(b, u.total)
		}},
		"memory of Go beyond its end": {"use-after-poison", func(u *net, b Batch) error {
			b.Order = make([]uint32, 2000)
			(*header)(unsafe.Pointer(&b.Order)).length = 4000
			return u.Evaluate(b, u.total)
		}},
		"a size that overflows": {"signed integer overflow", func(u *net, b Batch) error {
			_, err := NewNetwork(math.MinInt, 28, named("relu"), u.params)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(variable) == "" {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
				cmd.Env = append(os.Environ(), variable+"=1")
				out, err := cmd.CombinedOutput()
				if err == nil || !strings.Contains(string(out), c.report) {
					t.Errorf("it ended with %v and no %q: %s", err, c.report, out)
				}
				return
			}
			newTestSet(report("relu"), 1, 1).use(t, func(_ *Scope, u *net, all Batch) error { return c.make(u, all) })
		})
	}
}
