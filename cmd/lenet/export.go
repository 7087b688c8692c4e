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
	compared := ""
	if c.Quantize != "" {
		if compared, err = c.compare(ctx, net); err != nil {
			return err
		}
	}
	if err := runs.WriteFile(out, file); err != nil {
		return err
	}
	fmt.Printf("wrote %s (%.0f kB): %s\n%s", out, float64(len(file))/1000, c.Describe(net.Spec), compared)
	return nil
}

// compare returns a line with the accuracy on the test set with the weights as they are and as they are in the file.
func (c *exportCommand) compare(ctx context.Context, net *predict.Network) (string, error) {
	test, err := net.Test(ctx, notice)
	if err != nil {
		return "", err
	}
	before, err := net.Evaluate(ctx, test)
	if err != nil {
		return "", err
	}
	if err := export.RoundWeights(net.LeNet); err != nil {
		return "", err
	}
	after, err := net.Evaluate(ctx, test)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("test accuracy %.4f with float32 weights, %.4f with %s\n", before.Accuracy, after.Accuracy, c.Quantize), nil
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
