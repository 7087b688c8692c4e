package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"lenet/tune"
)

type tuneCommand struct {
	tune.Options
	Resume     string `placeholder:"DIR" help:"Go on with the sweep in this folder, with its own options."`
	NoProgress bool   `help:"No progress bar. There is none either where standard error is no terminal."`
}

func (c *tuneCommand) Run(ctx context.Context) (err error) {
	out := &tuneOutput{unwanted: c.NoProgress}
	var result *tune.Result
	if c.Resume != "" {
		result, err = tune.Resume(ctx, c.Resume, version, out)
	} else {
		result, err = tune.Run(ctx, c.Options, version, out)
	}
	out.clear()
	if err != nil {
		return err
	}
	if err := printTrials(result); err != nil {
		return err
	}
	plots, err := result.SavePlots()
	if err != nil {
		return err
	}
	for _, path := range plots {
		fmt.Printf("plot %s.png, %s.svg\n", path, path)
	}
	return nil
}

// printTrials prints the table of a sweep, a star at the setting that validation chooses, and how to train it.
func printTrials(r *tune.Result) error {
	best := r.Best()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, axis := range r.Axes {
		fmt.Fprintf(w, "%s\t", axis.Name)
	}
	fmt.Fprint(w, "epochs\tval acc\ttest acc\tseconds\t\t\n")
	for i := range r.Trials {
		t := &r.Trials[i]
		for _, axis := range r.Axes {
			fmt.Fprintf(w, "%s\t", axis.Of(t.Setting))
		}
		mark := ""
		if t == best {
			mark = "*"
		}
		if t.Failed != "" {
			fmt.Fprintf(w, "%d\t-\t-\t%.1f\tfailed\t\n", len(t.Metrics), t.Seconds)
		} else {
			fmt.Fprintf(w, "%d\t%.4f\t%.4f\t%.1f\t%s\t\n", len(t.Metrics), t.Validation(), t.Test(), t.Seconds, mark)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range r.Trials {
		if failed := r.Trials[i].Failed; failed != "" {
			fmt.Printf("trial %d failed: %s\n", r.Trials[i].Number, strings.TrimPrefix(failed, "train: "))
		}
	}
	fmt.Printf("%d trials, %d at a time, %d threads each, in %.1f sec, saved in %s\n", len(r.Trials), r.Options.Jobs, r.Options.Threads, r.Seconds, r.Dir)
	if best == nil {
		return fmt.Errorf("every trial failed; try smaller learning rates")
	}
	var flags []string
	for _, axis := range r.Axes {
		flags = append(flags, "--"+axis.Name+" "+axis.Of(best.Setting))
	}
	if len(flags) > 0 {
		fmt.Printf("validation chooses %s\n", strings.Join(flags, " "))
	}
	return nil
}

// tuneOutput shows one bar for the whole sweep.
type tuneOutput struct {
	unwanted bool
	trials   int
	*progressbar.ProgressBar
}

func (o *tuneOutput) Log(line string) { notice(line) }

func (o *tuneOutput) Begin(trials, jobs int, options *tune.Options) {
	o.trials = trials
	fmt.Printf("%d trials on %s, %d at a time, %d threads each, saved in %s\n", trials, options.Device, jobs, options.Threads, options.Out)
}

func (o *tuneOutput) Progress(done, total int, best *tune.Trial) {
	if !showsBars(o.unwanted) {
		return
	}
	if o.ProgressBar == nil {
		o.ProgressBar = newProgressBar(total, "epochs", time.Second)
	}
	text := fmt.Sprintf("%d trials", o.trials)
	if best != nil {
		text += fmt.Sprintf(", best val acc %.4f (lr %v, batch size %d)", best.Validation(), best.LearningRate, best.BatchSize)
	}
	o.Describe(text)
	_ = o.Set(done) // fails only where standard error does
}

func (o *tuneOutput) clear() {
	if o.ProgressBar != nil {
		_ = o.Clear()
	}
}
