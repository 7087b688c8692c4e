package main

import (
	"context"
	"fmt"

	"lenet/train"
)

type evalCommand struct {
	train.EvalOptions
}

func (c *evalCommand) Run(ctx context.Context) error {
	loss, accuracy, err := train.EvaluateFile(ctx, c.EvalOptions, notice)
	if err != nil {
		return err
	}
	fmt.Printf("loss %.4f, test acc %.3f\n", loss, accuracy)
	return nil
}
