package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"lenet/figure"
	"lenet/predict"
	"lenet/runs"
)

type evalCommand struct {
	predict.Options
	JSON bool   `name:"json" help:"Print all measures, and every mistake, as JSON."`
	Out  string `placeholder:"DIR" help:"Folder for the pictures, by default the network's."`
}

func (c *evalCommand) Run(ctx context.Context) error {
	if err := knownDataset(c.Dataset); err != nil {
		return err
	}
	net, err := predict.Open(ctx, c.Options, notice)
	if err != nil {
		return err
	}
	defer net.Close()
	test, err := net.Test(ctx, notice)
	if err != nil {
		return err
	}
	result, err := net.Evaluate(ctx, test)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(result)
	}
	fmt.Print(measures(result, terminalWidth()))
	out := net.Dir
	if c.Out != "" {
		out = runs.Dir(c.Out)
	}
	pictures, names := map[string]figure.Figure{"confusion": predict.Confusion(result)}, "confusion"
	if len(result.Mistakes) > 0 {
		pictures["mistakes"], names = predict.Mistakes(result, test), "{confusion,mistakes}"
	}
	for name, f := range pictures {
		if err := figure.Save(out.Picture(name), f); err != nil {
			if c.Out != "" {
				return err
			}
			notice(fmt.Sprintf("the pictures were not written: %v; name another folder with --out", err))
			return nil
		}
	}
	fmt.Printf("pictures: %s\n", out.Picture(names+".{png,svg}"))
	return nil
}

func printJSON(value any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
