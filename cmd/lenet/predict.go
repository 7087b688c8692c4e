package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lenet/figure"
	"lenet/option"
	"lenet/predict"
)

type predictCommand struct {
	Files []string `arg:"" optional:"" help:"PNG or JPEG pictures of one digit each. Without any, nine images of the test set."`
	predict.Options
	Count int    `default:"9" placeholder:"N" help:"Test images to draw, at random."`
	Seed  uint64 `default:"1" placeholder:"N" help:"Seed of the draw."`
	Show  bool   `help:"Show what the network sees of each picture."`
	JSON  bool   `name:"json" help:"Print the predictions as JSON."`
	Out   string `placeholder:"FILE" help:"Picture of the test images to write, by default predictions.png in the network's folder."`
}

func (c *predictCommand) Run(ctx context.Context) error {
	if c.Count < 1 {
		return option.Errorf("count", "is %d and must be 1 or more", c.Count)
	}
	net, err := predict.Open(ctx, c.Options, notice)
	if err != nil {
		return err
	}
	defer net.Close()
	if len(c.Files) > 0 {
		return c.pictures(ctx, net)
	}
	return c.testImages(ctx, net)
}

// pictures prints a line for each file.
func (c *predictCommand) pictures(ctx context.Context, net *predict.Network) error {
	pictures, err := net.Pictures(ctx, c.Files)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(pictures)
	}
	for _, p := range pictures {
		if c.Show {
			fmt.Print(halfBlocks(rows(p.Pixels, net.Cols, 0)))
		}
		fmt.Printf("%s: %d, %.1f %%\n", p.Path, p.Predicted, 100*p.Probability())
	}
	return nil
}

// testImages prints and draws images of the test set, in rows of three.
func (c *predictCommand) testImages(ctx context.Context, net *predict.Network) error {
	test, err := net.Test(ctx, notice)
	if err != nil {
		return err
	}
	drawn, err := net.Draw(ctx, test, c.Count, c.Seed)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(drawn)
	}
	grid := predict.Grid(test, drawn)
	out := strings.TrimSuffix(c.Out, ".png")
	if out == "" {
		out = net.Dir.Picture("predictions")
	}
	for i := 0; i < len(grid.Digits); i += grid.Columns {
		row := grid.Digits[i:min(i+grid.Columns, len(grid.Digits))]
		fmt.Print(halfBlocks(beside(row)))
		for _, d := range row {
			says := "predicted"
			if d.Wrong() {
				says = "WRONG:"
			}
			fmt.Printf("%-26s", fmt.Sprintf("true %d, %s %d, %.0f%%", d.True, says, d.Predicted, 100*d.Probability))
		}
		fmt.Println()
	}
	fmt.Printf("\ntrue labels:\n%s\npredicted labels:\n%s\n", matrix(grid, func(d *figure.Digit) int { return d.True }), matrix(grid, func(d *figure.Digit) int { return d.Predicted }))
	if err := figure.Save(out, grid); err != nil {
		return err
	}
	fmt.Printf("picture %s.png, %s.svg\n", out, out)
	return nil
}

// matrix prints numbers as the report does.
func matrix(g *figure.Digits, number func(*figure.Digit) int) string {
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
		fmt.Fprint(&b, number(&g.Digits[i]))
	}
	b.WriteString("]]")
	return b.String()
}

// border is how many columns at each side are left out where three images have to fit 80 columns: digits fill the middle 20.
const border = 2

// beside returns the rows of several images, each one beside the last.
func beside(digits []figure.Digit) [][]uint8 {
	all := make([][]uint8, digits[0].Rows)
	for i := range digits {
		for y, row := range rows(digits[i].Pixels, digits[i].Cols, border) {
			all[y] = append(append(all[y], row...), 0, 0)
		}
	}
	return all
}

// rows returns the rows of an image that is so many columns wide, without some of them at each side.
func rows(pixels []uint8, cols, without int) [][]uint8 {
	var all [][]uint8
	for row := range slices.Chunk(pixels, cols) {
		all = append(all, row[without:cols-without])
	}
	return all
}

// halfBlocks returns rows of pixels as text: two rows a line.
func halfBlocks(rows [][]uint8) string {
	var b strings.Builder
	for y := 0; y+1 < len(rows); y += 2 {
		for x := range rows[y] {
			b.WriteRune(halfBlock(rows[y][x], rows[y+1][x]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// dark is the value below which a half stays empty.
const dark = 80

func halfBlock(top, bottom uint8) rune {
	switch {
	case top >= dark && bottom >= dark:
		return '█'
	case top >= dark:
		return '▀'
	case bottom >= dark:
		return '▄'
	}
	return ' '
}
