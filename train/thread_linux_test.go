package train_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"lenet/train"
)

// Part of libtorch's settings belongs to an OS thread, and the last bits of a result with it. Go moves a goroutine to another
// thread where it waits, unless it is locked to one: here every step waits, beside goroutines that hand Go's threads around.
func TestRunStaysOnOneThread(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			for {
				select {
				case <-done:
					return
				default:
					runtime.Gosched()
				}
			}
		}()
	}
	o := options(t, 300, 20)
	threads := map[int]bool{}
	r := &counter{onStep: func() {
		threads[syscall.Gettid()] = true
		time.Sleep(time.Millisecond)
	}}
	o.Epochs = 20
	if _, err := train.Run(t.Context(), o, "test", func(string) {}, r); err != nil {
		t.Fatal(err)
	}
	if len(threads) != 1 {
		t.Errorf("the steps ran on %d threads", len(threads))
	}
}
