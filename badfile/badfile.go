// Package badfile holds decoders, in tests, to their bounds on files of any content: of memory, of time, and of panics.
package badfile

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// Limit is how long a decoder may take for one input.
const Limit = 10 * time.Second

// A Bound is how much a decoder may allocate for an input: so many times the input's size, and a number of bytes that does not depend on it. All allocations
// count, garbage too, and so the peak of the memory is no higher.
type Bound struct {
	Times float64
	Plus  int // bytes
}

// Hold fails the test where decode allocates more on Go's heap than the bound allows for an input of size bytes. Where decode takes longer than [Limit], it ends
// the process with all goroutines' stacks, as a fuzzer wants it.
//
// Nothing else may allocate at the same time: a test that calls it is not parallel to others.
func (b Bound) Hold(t testing.TB, size int, decode func()) {
	t.Helper()
	var before, after runtime.MemStats
	overdue := time.AfterFunc(Limit, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("badfile: %s: %d bytes are not decoded after %v", t.Name(), size, Limit))
	})
	defer overdue.Stop()
	runtime.ReadMemStats(&before)
	decode()
	runtime.ReadMemStats(&after)
	allowed := b.Times*float64(size) + float64(b.Plus)
	if used := after.TotalAlloc - before.TotalAlloc; float64(used) > allowed {
		t.Errorf("decoding %d bytes allocates %d, and may %.0f: %v times as many and %d", size, used, allowed, b.Times, b.Plus)
	}
}
