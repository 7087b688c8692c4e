package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"lenet/figure"
	"lenet/metrics"
	"lenet/predict"
	"lenet/runs"
)

type evalCommand struct {
	predict.Options
	JSON bool   `name:"json" help:"Print all measures, and every mistake, as JSON."`
	Out  string `placeholder:"DIR" help:"Folder for the pictures, by default the network's."`
}

func (c *evalCommand) Run(ctx context.Context) error {
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
	if err := printMeasures(result); err != nil {
		return err
	}
	out := net.Dir
	if c.Out != "" {
		out = runs.Dir(c.Out)
	}
	pictures := map[string]figure.Figure{"confusion": predict.Confusion(result)}
	if len(result.Mistakes) > 0 {
		pictures["mistakes"] = predict.Mistakes(result, test)
	}
	for name, f := range pictures {
		if err := figure.Save(out.Picture(name), f); err != nil {
			return err
		}
	}
	fmt.Printf("pictures: %s\n", out.Picture("{confusion,mistakes}.{png,svg}"))
	return nil
}

func printMeasures(r *metrics.Result) error {
	fmt.Printf("loss %.4f, test acc %.3f, calibration error %.4f\n\n", r.Loss, r.Accuracy, r.ECE)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "class\timages\tprecision\trecall\tF1\t\n")
	for i, c := range r.Classes {
		fmt.Fprintf(w, "%d\t%d\t%.4f\t%.4f\t%.4f\t\n", i, c.Images, c.Precision, c.Recall, c.F1)
	}
	fmt.Fprint(w, "\t\t\t\t\t\n")
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("rows: true class; columns: predicted class")
	w = tabwriter.NewWriter(os.Stdout, 5, 0, 1, ' ', tabwriter.AlignRight)
	for i := range r.Confusion {
		fmt.Fprintf(w, "\t%d", i)
	}
	fmt.Fprint(w, "\t\n")
	for i, row := range r.Confusion {
		fmt.Fprintf(w, "%d", i)
		for _, n := range row {
			fmt.Fprintf(w, "\t%d", n)
		}
		fmt.Fprint(w, "\t\n")
	}
	return w.Flush()
}

func printJSON(value any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
