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
	page, err := report.Write(ctx, c.Options, notice)
	if err != nil {
		return err
	}
	fmt.Printf("wrote %s\n", page)
	return nil
}
