package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"lenet/export"
	"lenet/option"
	"lenet/predict"
	"lenet/runs"
)

type exportCommand struct {
	Network predict.Options `embed:""`
	export.Options
	Out string `placeholder:"FILE" help:"File to write. Default: model.onnx in the run's folder, or beside a weights file one of its name."`
}

func (c *exportCommand) Run(ctx context.Context) error {
	if err := option.First(c.Options.Validate(), knownDataset(c.Network.Dataset)); err != nil {
		return err
	}
	net, err := predict.Open(ctx, c.Network, notice)
	if err != nil {
		return err
	}
	defer net.Close()
	out := cmp.Or(c.Out, c.File(net.Path))
	if same(out, net.Path) {
		return option.Errorf("out", "is the weights file itself, %s", net.Path)
	}
	file, err := export.ONNX(net.LeNet, c.Options, version)
	if err != nil {
		return err
	}
	if err := runs.WriteFile(out, file); err != nil {
		return err
	}
	fmt.Printf("wrote %s (%.0f kB): %s\n", out, float64(len(file))/1000, c.Describe(net.Spec))
	return nil
}

// same says whether two paths are one file's.
func same(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
