//go:build cuda

package main

import (
	"os"
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
