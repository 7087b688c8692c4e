package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"lenet/model"
	"lenet/torchx"
	"lenet/train"
)

type trainCommand struct {
	train.Options
	Profile    bool   `help:"Print at the end where an epoch's time went."`
	Pprof      string `placeholder:"FILE" help:"Write a profile of the Go code, for go tool pprof."`
	Plot       bool   `help:"Draw loss and accuracy below the progress bar; where there is none, at the end."`
	NoProgress bool   `help:"No progress bar. There is none either where standard error is no terminal."`
}

func (c *trainCommand) Run(ctx context.Context) error {
	if c.Pprof != "" {
		stop, err := startPprof(c.Pprof)
		if err != nil {
			return err
		}
		defer stop()
	}
	out := &trainOutput{bar: newBar(c.Epochs, c.NoProgress)}
	if c.Plot {
		out.plot = &plot{out: os.Stderr, terminal: out.bar != nil}
	}
	summary, err := train.Run(ctx, c.Options, version, out)
	out.clear()
	if err != nil {
		return err
	}
	if c.Plot {
		fmt.Println(&plot{epochs: summary.Metrics})
	}
	best, final := summary.Best(), summary.Final()
	if c.Validation > 0 {
		fmt.Printf("best val acc %.3f (epoch %d), its test acc %.3f, ", best.ValidationAccuracy, best.Epoch, best.TestAccuracy)
	} else {
		fmt.Printf("best test acc %.3f (epoch %d), ", best.TestAccuracy, best.Epoch)
	}
	fmt.Printf("final test acc %.3f, total time %.1f sec, saved in %s\n", final.TestAccuracy, summary.Seconds, summary.Dir)
	if c.Profile {
		printProfile(summary, out.firstStep)
	}
	return nil
}

// trainOutput prints a run as the report does.
type trainOutput struct {
	bar       *bar
	plot      *plot // nil: none is wanted
	steps     int
	firstStep time.Duration // from the process's start to the end of the first step, where it can be known
}

func (o *trainOutput) Log(line string) { notice(line) }

func (o *trainOutput) Network(net *model.LeNet) {
	fmt.Println("init net...")
	for _, line := range net.Layers() {
		fmt.Println(line)
	}
}

func (o *trainOutput) Device(name string) { fmt.Println("training on", name) }

func (o *trainOutput) Batch(epoch int, sums torchx.Sums, images int) {
	if o.steps++; o.steps == 1 {
		o.firstStep, _ = sinceStart()
	}
	o.bar.update(epoch, sums.Images, images, sums.Loss, sums.Accuracy)
}

func (o *trainOutput) Epoch(m train.Metrics) {
	o.clear()
	fmt.Printf("epoch %d, loss %.4f, train acc %.3f, ", m.Epoch, m.Loss, m.TrainAccuracy)
	if m.ValidationLoss != 0 {
		fmt.Printf("val acc %.3f, ", m.ValidationAccuracy)
	}
	fmt.Printf("test acc %.3f, time %.1f sec\n", m.TestAccuracy, m.TrainSeconds+m.EvalSeconds)
	if o.plot != nil {
		o.plot.add(m)
	}
}

// clear takes bar and plot off the screen.
func (o *trainOutput) clear() {
	o.bar.clear()
	if o.plot != nil {
		o.plot.clear()
	}
}
