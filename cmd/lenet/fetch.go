package main

import (
	"context"
	"fmt"

	"lenet/dataset"
	"lenet/option"
)

type fetchCommand struct {
	Name   string `arg:"" optional:"" default:"mnist" help:"${datasets}."`
	Mirror string `placeholder:"URL" help:"Base URL to fetch the files from."`
}

func (c *fetchCommand) Run(ctx context.Context) error {
	spec, err := dataset.Lookup(c.Name)
	if err != nil {
		return option.Errorf("<name>", "is %q and must be %s", c.Name, option.List(dataset.Names["datasets"]))
	}
	cache, err := dataset.CacheDir()
	if err != nil {
		return err
	}
	training, test, dir, err := spec.Load(ctx, cache, c.Mirror, notice)
	if err != nil {
		return err
	}
	checked := ", checksums right"
	if !spec.Verified(dir) {
		checked = ", no checksums known"
	}
	fmt.Printf("%s: %d training and %d test images of %dx%d in %d classes%s, in %s\n",
		spec.Name, training.Len(), test.Len(), training.Rows, training.Cols, training.Classes, checked, dir)
	return nil
}
