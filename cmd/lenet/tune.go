package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"
	"github.com/schollz/progressbar/v3"

	"lenet/option"
	"lenet/runs"
	"lenet/tune"
)

type tuneCommand struct {
	tune.Options
	Resume     string `placeholder:"DIR" help:"Continue the sweep in this folder, with the options that it was begun with."`
	NoProgress bool   `help:"Hide the progress bar (it is always hidden when standard error is not a terminal)."`
}

// BeforeResolve refuses flags that a sweep that is resumed would not heed.
func (c *tuneCommand) BeforeResolve(command *kong.Context) error {
	dir, resumes := given(command, "resume")
	if resumes && dir == "" {
		return option.Errorf("resume", "is empty, and must be a sweep's folder")
	}
	for _, path := range command.Path {
		if f := path.Flag; resumes && f != nil && !path.Resolved && f.Name != "resume" && f.Name != "no-progress" {
			return option.Errorf(f.Name, "cannot be given beside --resume: a sweep goes on with the options that it was begun with")
		}
	}
	return nil
}

func (c *tuneCommand) Run(ctx context.Context) (err error) {
	out := &tuneOutput{unwanted: c.NoProgress}
	var result *tune.Result
	if c.Resume != "" {
		result, err = tune.Resume(ctx, runs.Dir(c.Resume), version, out)
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

// printTrials prints a sweep's table: a line for each candidate with the means over its seeds, and a star at the one that validation chooses.
func printTrials(r *tune.Result) error {
	choices, best := r.Choices(), r.Best()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, axis := range choices {
		fmt.Fprintf(w, "%s\t", axis.Name)
	}
	if r.SweepsSeeds() {
		fmt.Fprint(w, "seeds\t")
	}
	fmt.Fprint(w, "epochs\tval acc\ttest acc\tseconds\t\t\n")
	for _, c := range r.Candidates() {
		for _, axis := range choices {
			fmt.Fprintf(w, "%s\t", axis.Of(c.Setting()))
		}
		if r.SweepsSeeds() {
			fmt.Fprintf(w, "%d\t", len(c.Trials))
		}
		validation, test, mark := meanAccuracy(c, tune.Validation), meanAccuracy(c, tune.Test), ""
		switch {
		case c.Failed():
			validation, test, mark = "-", "-", "failed"
		case best != nil && c.Setting() == best.Setting():
			mark = "*"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%.1f\t%s\t\n", c.Epochs(), validation, test, c.Seconds(), mark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range r.Trials {
		if failed := r.Trials[i].Failed; failed != "" {
			fmt.Printf("trial %d failed: %s\n", r.Trials[i].Number, strings.TrimPrefix(failed, "train: "))
		}
	}
	fmt.Printf("%d trials in %.1f sec, saved in %s\n", len(r.Trials), r.Seconds, r.Dir)
	if best == nil {
		return fmt.Errorf("every combination failed; try smaller learning rates")
	}
	var flags []string
	for _, axis := range choices {
		flags = append(flags, "--"+axis.Name+" "+axis.Of(best.Setting()))
	}
	if len(flags) > 0 {
		fmt.Printf("validation chooses %s\n", strings.Join(flags, " "))
	}
	return nil
}

func meanAccuracy(c *tune.Candidate, m tune.Measure) string {
	mean, deviation := c.Mean(m)
	if len(c.Trials) == 1 {
		return fmt.Sprintf("%.4f", mean)
	}
	return fmt.Sprintf("%.4f ± %.4f", mean, deviation)
}

// tuneOutput prints the first line and shows one bar for the whole sweep.
type tuneOutput struct {
	unwanted bool
	trials   int
	*progressbar.ProgressBar
}

func (o *tuneOutput) Log(line string) {
	o.clear()
	notice(line)
}

func (o *tuneOutput) Begin(trials, jobs int, options *tune.Options) {
	o.trials = trials
	fmt.Printf("%d trials on %s (--jobs %d --threads %d), saved in %s\n", trials, options.Device, jobs, options.Threads, options.Out)
}

func (o *tuneOutput) Progress(done, total int, best *tune.Candidate) {
	if !showsBars(o.unwanted) {
		return
	}
	if o.ProgressBar == nil {
		o.ProgressBar = newCountingBar(total, "epochs", time.Second)
	}
	o.Describe(describe(o.trials, best))
	_ = o.Set(done) // fails only where standard error does
}

// describe returns the text before the bar. Its accuracy is the table's, the mean over the seeds.
func describe(trials int, best *tune.Candidate) string {
	text := fmt.Sprintf("%d trials", trials)
	if best == nil {
		return text
	}
	mean, _ := best.Mean(tune.Validation)
	text += fmt.Sprintf(", best val acc %.4f", mean)
	if n := len(best.Trials); n > 1 {
		text += fmt.Sprintf(", mean of %d seeds", n)
	}
	setting := best.Setting()
	return text + fmt.Sprintf(" (lr %v, batch size %d)", setting.LearningRate, setting.BatchSize)
}

func (o *tuneOutput) clear() {
	if o.ProgressBar != nil {
		_ = o.Clear()
	}
}
