package main

import (
	"fmt"
	"runtime"

	"lenet/compute"
	"lenet/runs"
	"lenet/torchx"
)

type infoCommand struct{}

func (c *infoCommand) Run() error {
	v := runs.NewVersions(version)
	threads, why := compute.DefaultThreads()
	lines := [][2]string{
		{"lenet", v.Lenet},
		{"libtorch", v.Libtorch},
		{"gotorch", v.Gotorch},
		{"go", v.Go + " " + v.Platform},
		{"cpus", fmt.Sprint(runtime.NumCPU())},
		{"threads", fmt.Sprintf("%d, %s", threads, why)},
		{"cpu kernels", torchx.CPUCapability()},
	}
	for _, line := range append(lines, cuda()...) {
		fmt.Printf("%-12s %s\n", line[0], line[1])
	}
	return nil
}

// cuda describes CUDA and the GPUs, each under its name for --device.
func cuda() (lines [][2]string) {
	built, driver, err := torchx.CUDAVersions()
	if err != nil {
		return [][2]string{{"cuda", err.Error()}}
	}
	lines = append(lines, [2]string{"cuda", built})
	if driver != "" {
		lines = append(lines, [2]string{"cuda driver", "for CUDA up to " + driver})
	}
	gpus, err := torchx.CUDADevices()
	if err != nil {
		return append(lines, [2]string{"gpus", err.Error()})
	}
	if len(gpus) == 0 {
		return append(lines, [2]string{"gpus", compute.NoGPU})
	}
	for i, gpu := range gpus {
		text := gpu.String()
		if err := gpu.Check(); err != nil {
			text = err.Error()
		}
		lines = append(lines, [2]string{fmt.Sprintf("cuda:%d", i), text})
	}
	return lines
}
