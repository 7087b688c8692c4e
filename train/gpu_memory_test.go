//go:build gpu

package train

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"lenet/compute"
	"lenet/metrics"
	"lenet/torchx"
)

// hostGrowth is how many bytes the host's memory may grow by in 45 epochs: 45 leaked copies of an epoch's order, 235 kB each, would be 10.6 MB.
const hostGrowth = 8 << 20

// A gpuProcess is the memory that this process holds.
type gpuProcess struct {
	own    bool  // device counts this process alone
	device int64 // bytes on the first GPU
	host   int64 // resident bytes, once Go has given back what it does not use
}

func (p gpuProcess) String() string {
	of := "all processes"
	if p.own {
		of = "this process"
	}
	return fmt.Sprintf("%d MB of %s on the GPU, %d MB on the host", p.device>>20, of, p.host>>20)
}

// measureGPUProcess asks the driver what this process holds, since other processes may share the GPU and come and go. In a container with
// process numbers of its own the driver does not know it by its number, and what all processes hold counts.
func measureGPUProcess() (p gpuProcess, err error) {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return p, err
	}
	if p.host, err = residentMemory(string(status)); err != nil {
		return p, err
	}
	list, err := exec.Command("nvidia-smi", "--id=0", "--query-compute-apps=pid,used_gpu_memory", "--format=csv,noheader,nounits").Output()
	if err == nil {
		p.device, p.own = bytesOfProcess(string(list), os.Getpid())
	}
	if p.own {
		return p, nil
	}
	devices, err := torchx.CUDADevices()
	if err != nil {
		return p, err
	}
	free, err := torchx.FreeCUDAMemory(0)
	p.device = devices[0].Memory - free
	return p, err
}

// residentMemory reads VmRSS, which is in KiB, in /proc/PID/status.
func residentMemory(status string) (int64, error) {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmRSS")
}

// A memory observer measures what the process holds after epochs 5 and 50.
type memory struct {
	BaseObserver
	epochs map[int]gpuProcess
}

func (m *memory) Epoch(_ *Running, e metrics.Epoch) (err error) {
	if e.Number == 5 || e.Number == 50 {
		m.epochs[e.Number], err = measureGPUProcess()
	}
	return err
}

func TestGPUMemoryIsFlat(t *testing.T) {
	onGPU(t)
	for _, resident := range []bool{true, false} {
		for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} { // the latter as graphs
			o := Defaults()
			o.Kernels, o.Out, o.Epochs = kernels, filepath.Join(t.TempDir(), "run"), 50
			o.Device, o.DataOnDevice = gpu, &resident
			m := &memory{epochs: map[int]gpuProcess{}}
			s, err := Run(t.Context(), o, "test", func(line string) { t.Log(line) }, m)
			if err != nil {
				t.Fatal(err)
			}
			accuracy := s.Final().Of(metrics.Test, metrics.Accuracy)
			what := fmt.Sprintf("%s kernels, data on the device %v", kernels, resident)
			early, late := m.epochs[5], m.epochs[50]
			t.Logf("%s: after epoch 5 %s, after epoch 50 %s; test accuracy %.4f", what, early, late, accuracy)
			if late.own != early.own || late.device > early.device {
				t.Errorf("%s: the memory on the GPU grows from %s to %s", what, early, late)
			}
			if late.host > early.host+hostGrowth {
				t.Errorf("%s: the memory of the host grows from %s to %s", what, early, late)
			}
			if accuracy < 0.98 {
				t.Errorf("%s: test accuracy %.4f", what, accuracy)
			}
		}
	}
}
