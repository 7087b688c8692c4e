package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"lenet/metrics"
	"lenet/option"
	"lenet/runs"
	"lenet/serve"
	"lenet/train"
)

type trainCommand struct {
	train.Options
	Config   string `placeholder:"PATH" help:"Repeat the run of this folder or config.json; flags given beside it win, and --out is a new folder."`
	Resume   string `placeholder:"DIR" help:"Go on with the run in this folder, where it was stopped or killed. Its options hold; more --epochs may be given."`
	Override bool   `help:"Let options that are given beside --resume change what the run learns from here on."`
	Profile  bool   `help:"Print at the end where an epoch's time went."`
	Pprof    string `placeholder:"FILE" help:"Write a profile of the Go code, for go tool pprof."`
	Plot     bool   `help:"Draw loss and accuracy below the progress bar; where there is none, at the end."`
	Serve    bool   `help:"Show the run in a browser as it trains, and afterwards until Ctrl-C: the page of lenet serve."`
	serve.Address
	repeated   repeated // the options in --config's file, or those of --resume's run
	repeatedIn runs.Dir // where these are
	NoProgress bool     `help:"Hide the progress bar (it is always hidden when standard error is not a terminal)."`
}

func (c *trainCommand) Run(ctx context.Context) error {
	if c.Override && c.Resume == "" {
		return option.Errorf("override", "is for --resume: a new run has no options to override")
	}
	if c.Pprof != "" {
		stop, err := startPprof(c.Pprof)
		if err != nil {
			return err
		}
		defer stop()
	}
	out := &trainOutput{bar: newBar(c.Epochs, c.NoProgress)}
	if c.Plot {
		out.plot = &plot{out: os.Stderr, below: out.bar != nil}
	}
	if c.Serve {
		return c.watched(ctx, func(watcher train.Observer) error { return c.report(ctx, out, watcher) })
	}
	return c.report(ctx, out)
}

// report trains, and prints the outcome.
func (c *trainCommand) report(ctx context.Context, out *trainOutput, observers ...train.Observer) error {
	summary, err := c.train(ctx, append(observers, out)...)
	if err != nil {
		return err
	}
	if c.Plot {
		if text := (&plot{out: os.Stdout, epochs: summary.Epochs}).String(); text != "" {
			fmt.Println(text)
		}
	}
	best, final := summary.Best(), summary.Final()
	bestTest, finalTest := best.Of(metrics.Test, metrics.Accuracy), final.Of(metrics.Test, metrics.Accuracy)
	if validated, ok := best.Get(metrics.Validation, metrics.Accuracy); ok {
		fmt.Printf("best val acc %.3f (epoch %d), its test acc %.3f, ", validated, best.Number, bestTest)
	} else {
		fmt.Printf("best test acc %.3f (epoch %d), ", bestTest, best.Number)
	}
	fmt.Printf("final test acc %.3f, total time %.1f sec, saved in %s\n", finalTest, summary.Seconds, summary.Dir)
	if c.Profile {
		printProfile(summary, out.firstStep)
	}
	if summary.LearntNothing() {
		notice(fmt.Sprintf("the network has learnt nothing yet: %.3f is the share of the most frequent class; try --recipe accurate, or more --epochs", summary.Chance))
	}
	return nil
}

func (c *trainCommand) train(ctx context.Context, observers ...train.Observer) (*train.Summary, error) {
	if c.Resume == "" {
		return train.Run(ctx, c.Options, version, notice, observers...)
	}
	c.Out = c.Resume
	return train.Resume(ctx, c.Options, c.Override, version, notice, observers...)
}

// trainOutput prints a run as the report does.
type trainOutput struct {
	train.BaseObserver
	bar       *bar
	plot      *plot // nil: none is wanted
	steps     int
	firstStep time.Duration // from the process's start to the end of the first step, where it can be known
}

func (o *trainOutput) Start(r *train.Running) error {
	fmt.Println("init net...")
	for _, line := range r.Session.Net.Layers() {
		fmt.Println(line)
	}
	fmt.Println("training on", r.Options.Device)
	if o.plot != nil {
		o.plot.epochs = slices.Clone(r.Summary.Epochs) // of a run that is resumed
	}
	return nil
}

func (o *trainOutput) Step(r *train.Running, s train.Step) error {
	if o.steps++; o.steps == 1 {
		o.firstStep, _ = sinceStart()
	}
	o.bar.update(s.Epoch, s.Sums.Images, r.Session.Images, s.Sums.Loss, s.Sums.Accuracy)
	return nil
}

func (o *trainOutput) Epoch(_ *train.Running, e metrics.Epoch) error {
	o.clear()
	fmt.Println(epochLine(&e))
	if o.plot != nil {
		o.plot.add(e)
	}
	return nil
}

func (o *trainOutput) End(*train.Running, error) error {
	o.clear()
	return nil
}

// epochLine returns an epoch's measures as the terminal shows them, split by split.
func epochLine(e *metrics.Epoch) string {
	line := fmt.Sprintf("epoch %d, ", e.Number)
	for _, split := range metrics.Splits {
		for _, v := range e.Values {
			if m, ok := metrics.MeasureOf(v.Name); ok && v.Split == split && slices.Contains(m.Line, split) {
				line += fmt.Sprintf("%s "+m.LineFormat+", ", strings.ReplaceAll(v.Key(), "_", " "), v.Value)
			}
		}
	}
	return line + fmt.Sprintf("time %.1f sec", e.Seconds())
}

// clear takes bar and plot off the screen.
func (o *trainOutput) clear() {
	o.bar.clear()
	if o.plot != nil {
		o.plot.clear()
	}
}
