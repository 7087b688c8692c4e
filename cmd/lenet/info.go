package main

import (
	"fmt"
	"runtime"

	"lenet/torchx"
	"lenet/train"
)

type infoCommand struct{}

func (c *infoCommand) Run() error {
	v := train.NewVersions(version)
	for _, line := range [][2]string{
		{"lenet", v.Lenet},
		{"libtorch", v.Libtorch},
		{"gotorch", v.Gotorch},
		{"go", v.Go + " " + v.Platform},
		{"devices", "cpu"},
		{"cpus", fmt.Sprint(runtime.NumCPU())},
		{"threads", fmt.Sprintf("%d by default, of one operation", runtime.NumCPU())},
		{"cpu kernels", torchx.CPUCapability()},
	} {
		fmt.Printf("%-12s %s\n", line[0], line[1])
	}
	return nil
}
