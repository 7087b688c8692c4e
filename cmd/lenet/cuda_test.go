//go:build cuda

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// With the plug-in built, what is missing on a machine without a GPU is the driver, and nothing else.
func TestCUDALoads(t *testing.T) {
	stdout, stderr, code := lenet(t, "info")
	if code != 0 || !regexp.MustCompile(`(?m)^cuda +13\.0$`).MatchString(stdout) {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = lenet(t, "train", "--data", smallData(t, 200, 50), "--epochs=1", "--device=cuda", "--out", t.TempDir()+"/run")
	if _, err := os.Stat("/proc/driver/nvidia/version"); err == nil {
		if code != 0 || !strings.Contains(stdout, "training on cuda:0") {
			t.Errorf("exit %d\n%s%s", code, stdout, stderr)
		}
		return
	}
	if want := "lenet: compute: device cuda: there is no NVIDIA driver on this system; install version 580 or later; give --device cpu to do without a GPU\n"; code != 1 || stderr != want {
		t.Errorf("exit %d: %q", code, stderr)
	}
}

// Drivers list GPUs that are too old, and none where none is visible. So does the stand-in for NVIDIA's runtime, torchx/cc/test/runtime.cc.
func TestCUDADevicesThatCannotBeUsedAreNamed(t *testing.T) {
	standIn, err := filepath.Abs("../../build/test/stand-in/libcuda.so.1")
	if err != nil {
		t.Fatal(err)
	}
	const tooOld = "a stand-in, 1 GiB, compute capability 7.0, is too old; lenet needs a GPU of compute capability 7.5 or later"
	const hidden = "the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES may hide it)"
	data := smallData(t, 200, 50)
	for _, c := range []struct{ variable, gpus, onAuto, onCUDA string }{
		{"STAND_IN_CAPABILITY=7.0", "cuda:1       " + tooOld, "device auto: the CPU, since cuda:0, " + tooOld, "lenet: compute: device cuda: " + tooOld},
		{"CUDA_VISIBLE_DEVICES=", "gpus         " + hidden, "device auto: the CPU, since " + hidden, "lenet: compute: device cuda: " + hidden},
	} {
		with := func(args ...string) (stdout, stderr string, code int) {
			cmd := command(t, args...)
			cmd.Env = append(cmd.Environ(), "LD_PRELOAD="+standIn, c.variable)
			return outcome(t, cmd)
		}
		if stdout, stderr, code := with("info"); code != 0 || !strings.Contains(stdout, c.gpus+"\n") {
			t.Errorf("%s: info: exit %d\n%s%s", c.variable, code, stdout, stderr)
		}
		train := []string{"train", "--data", data, "--epochs=1", "--out", t.TempDir() + "/run"}
		if _, stderr, code := with(append(train, "--device=cuda")...); code != 1 || !strings.Contains(stderr, c.onCUDA) {
			t.Errorf("%s: --device cuda: exit %d\n%s", c.variable, code, stderr)
		}
		if stdout, stderr, code := with(append(train, "--device=auto")...); code != 0 || !strings.Contains(stdout+stderr, c.onAuto) {
			t.Errorf("%s: --device auto: exit %d\n%s%s", c.variable, code, stdout, stderr)
		}
	}
}
