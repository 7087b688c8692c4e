package main

import (
	"context"
	"fmt"

	"lenet/report"
)

type reportCommand struct {
	report.Options
}

func (c *reportCommand) Run(ctx context.Context) error {
	if err := report.Write(ctx, c.Options, notice); err != nil {
		return err
	}
	fmt.Printf("wrote %s\n", c.Out)
	return nil
}
