package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"lenet/dataset"
	"lenet/figure"
	"lenet/option"
	"lenet/predict"
)

type predictCommand struct {
	Files []string `arg:"" optional:"" help:"Pictures of one digit each (PNG, JPEG, GIF, WebP, BMP, TIFF), folders of them, or - for standard input. Without any, nine images of the test set."`
	predict.Options
	Count int    `default:"9" placeholder:"N" help:"Test images to draw, at random; at most 400."`
	Seed  uint64 `default:"1" placeholder:"N" help:"Seed of the draw."`
	Split bool   `help:"Read each picture as a row of digits, from left to right."`
	Show  bool   `help:"Show what the network sees of each picture."`
	JSON  bool   `name:"json" help:"Print the predictions as JSON."`
	Out   string `placeholder:"FILE" help:"Picture of the test images to write, by default predictions.png in the network's folder."`
}

// maxCount bounds the test images that are drawn, in rows of three.
const maxCount = 400

func (c *predictCommand) Run(ctx context.Context) error {
	if len(c.Files) > 0 && c.Out != "" {
		return option.Errorf("out", "is for the picture of test images, and not for the files that are given")
	}
	if c.Count < 1 || c.Count > maxCount {
		return option.Errorf("count", "is %d and must be 1 to %d", c.Count, maxCount)
	}
	if err := knownDataset(c.Dataset); err != nil {
		return err
	}
	files, err := predict.Files(c.Files)
	if err != nil {
		return err
	}
	net, err := predict.Open(ctx, c.Options, notice)
	if err != nil {
		return err
	}
	defer net.Close()
	if len(files) > 0 {
		return c.pictures(ctx, net, files)
	}
	return c.testImages(ctx, net)
}

// knownDataset checks the name of a data set, which may be empty, also where none is needed. Its error is an [option.Error].
func knownDataset(name string) error {
	return option.OneOf("dataset", cmp.Or(name, "mnist"), dataset.Names["datasets"])
}

// pictures prints a line for each file: what it shows, or on standard error why it cannot be read.
func (c *predictCommand) pictures(ctx context.Context, net *predict.Network, files []string) error {
	var (
		all    []predict.Picture
		last   error // of a file
		failed int
	)
	for _, file := range files {
		pictures, err := net.Pictures(ctx, file, c.Split)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			last = err
			failed++
			all = append(all, predict.Picture{Path: file, Error: message(err)})
			if len(files) > 1 {
				notice(message(err))
			}
			continue
		}
		all = append(all, pictures...)
		if !c.JSON {
			c.print(net, pictures)
		}
	}
	if c.JSON {
		if err := printJSON(all); err != nil {
			return err
		}
	}
	if failed > 0 && len(files) > 1 {
		return fmt.Errorf("predict: %d of %d pictures could not be read", failed, len(files))
	}
	return last
}

// closeCall is the probability below which the second most probable class is printed, too.
const closeCall = 0.5

// print prints a line for a picture's digits. A digit that the network is not sure of comes with the runner-up.
func (c *predictCommand) print(net *predict.Network, pictures []predict.Picture) {
	var says, digits []string
	for _, p := range pictures {
		if c.Show {
			fmt.Print(halfBlocks(rows(p.Pixels, net.Cols, 0)))
		}
		text := fmt.Sprintf("%s, %.1f %%", p.Name, 100*p.Probability())
		if second := p.RunnerUp(); second >= 0 && p.Probability() < closeCall {
			text += fmt.Sprintf(" (or %s, %.1f %%)", net.Data.Class(second), 100*p.Probabilities[second])
		}
		says, digits = append(says, text), append(digits, p.Name)
	}
	if c.Split {
		fmt.Printf("%s: %s (%s)\n", pictures[0].Path, strings.Join(digits, " "), strings.Join(says, "; "))
		return
	}
	fmt.Printf("%s: %s\n", pictures[0].Path, says[0])
}

// testImages prints and draws images of the test set.
func (c *predictCommand) testImages(ctx context.Context, net *predict.Network) error {
	test, err := net.Test(ctx, notice)
	if err != nil {
		return err
	}
	predictions, err := net.Draw(ctx, test, c.Count, c.Seed)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(predictions)
	}
	grid := predict.Grid(test, predictions)
	out := strings.TrimSuffix(c.Out, ".png")
	if out == "" {
		out = net.Dir.Picture("predictions")
	}
	fmt.Print(drawn(grid, &net.Data, terminalWidth()))
	name := func(number func(*figure.Digit) int) string {
		return matrix(grid, func(d *figure.Digit) string { return net.Data.Class(number(d)) })
	}
	fmt.Printf("\ntrue labels:\n%s\npredicted labels:\n%s\n",
		name(func(d *figure.Digit) int { return d.True }), name(func(d *figure.Digit) int { return d.Predicted }))
	if err := figure.Save(out, grid); err != nil {
		if c.Out != "" {
			return err
		}
		notice(fmt.Sprintf("the picture was not written: %v; name another place with --out", err))
		return nil
	}
	fmt.Printf("picture %s.png, %s.svg\n", out, out)
	return nil
}

// matrix prints the images' labels as the report does.
func matrix(g *figure.Digits, label func(*figure.Digit) string) string {
	var b strings.Builder
	b.WriteString("[")
	for i := range g.Digits {
		switch {
		case i == 0:
			b.WriteString("[")
		case i%g.Columns == 0:
			b.WriteString("]\n [")
		default:
			b.WriteString(" ")
		}
		b.WriteString(label(&g.Digits[i]))
	}
	b.WriteString("]]")
	return b.String()
}
