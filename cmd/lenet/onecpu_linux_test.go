package main

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// gotorch's own start-up ends the process where there is one CPU.
func TestOneCPUIsEnough(t *testing.T) {
	for _, v := range []string{"OMP_NUM_THREADS", "MKL_NUM_THREADS"} { // either would hide it
		t.Setenv(v, "")
		if err := os.Unsetenv(v); err != nil {
			t.Fatal(err)
		}
	}
	data := smallData(t, 64, 10)
	runtime.LockOSThread() // a child inherits the CPUs of the thread that starts it
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.SchedSetaffinity(0, &all); err != nil {
			t.Error(err)
		}
	}()
	stdout, stderr, code := lenet(t, "train", "--data", data, "--epochs=1", "--device=cpu")
	if code != 0 || !strings.Contains(stdout, "epoch 1,") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	if info, _, _ := lenet(t, "info"); !strings.Contains(info, "cpus         1\n") {
		t.Errorf("it did not run on one CPU:\n%s", info)
	}
}
