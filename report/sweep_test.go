package report

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"lenet/metrics"
	"lenet/train"
	"lenet/tune"
)

// swept is a sweep of two of the original's learning rates, of which two epochs are there.
func swept(carryOver bool, trained ...float64) *sweep {
	o := originalSweep("0.15,0.3", "64")
	o.CarryOver, o.Jobs, o.Threads = carryOver, 2, 1
	r := &tune.Result{Options: o}
	r.Axes, _ = o.Swept()
	for i, rate := range []float64{0.15, 0.3} {
		m := epochOf(trained[i], 0.9+rate/10, 0.8+rate/10)
		r.Trials = append(r.Trials, tune.Trial{
			Number: i + 1, Hyperparameters: train.Hyperparameters{LearningRate: rate, BatchSize: 64, Optimizer: "sgd", Activation: "sigmoid", Seed: 1},
			Metrics: []metrics.Epoch{m, m}, Seconds: 7,
		})
	}
	return &sweep{r, &tune.Config{Options: o}}
}

func TestFreshAndCarriedOverSweepsShareASection(t *testing.T) {
	other := swept(false, 0, 0)
	other.Options.LearningRate, other.Options.BatchSize = "1.5", "32,64"
	other.Axes, _ = other.Options.Swept()
	all, err := groups([]*sweep{swept(false, 0.7, 0.6), other, swept(true, 0.7, 1)})
	if err != nil || len(all) != 2 || len(all[0]) != 2 || len(all[1]) != 1 {
		t.Fatalf("groups %v", all)
	}
	s, err := sweepSection(all[0], true)
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Join(s.Texts, "\n")
	for _, want := range []string{
		"With fresh weights, validation on 5000 images", "With carried-over weights", "chooses learning rate 0.3: validation accuracy 0.9300, test accuracy 0.8300",
		"has trained for 2 epochs after the first trial and for 4 after the last", "goes from 0.700 in the first trial to 1.000 in the last; with fresh weights it goes from 0.700 to 0.600", originalSweeps[0].text,
	} {
		if !strings.Contains(texts, want) {
			t.Errorf("the texts lack %q:\n%s", want, texts)
		}
	}
	table := s.Tables[0]
	if row := []string{"0.15", "0.9150", "0.8150", "7.0", "0.9150", "0.8150", "7.0", "0.9770"}; len(table.Rows) != 2 || !slices.Equal(table.Rows[0], row) || table.Best != 1 {
		t.Errorf("table %+v, want %q as its first row", table, row)
	}
	if len(s.Plots) != 2 || !strings.Contains(string(s.Plots[0]), "the original") || strings.Contains(string(s.Plots[1]), "the original") {
		t.Errorf("%d plots", len(s.Plots))
	}
}

// Sweeps with the same axes share a section only where they are equal in all else that they are compared by.
func TestSweepsWithOtherOptionsHaveTheirOwnSections(t *testing.T) {
	change := func(change func(*sweep)) *sweep {
		s := swept(false, 0.7, 0.6)
		change(s)
		return s
	}
	sweeps := []*sweep{
		change(func(s *sweep) {}),
		change(func(s *sweep) { s.Options.Momentum, s.Options.Jobs, s.Dir = 0.9, 1, "runs/b" }),
		change(func(s *sweep) {
			s.Options.CarryOver, s.Options.LearningRate, s.Options.Threads, s.Options.Out, s.Options.Recipe = true, "0.15:0.3:0.15", 2, "elsewhere", "fast"
		}),
		change(func(s *sweep) { s.Options.Augment.Shift = 1 }),
		change(func(s *sweep) { s.Dir = "runs/again" }),
	}
	all, err := groups(sweeps)
	if err != nil || len(all) != 4 || len(all[0]) != 2 || all[0][1] != sweeps[2] {
		t.Fatalf("%d groups %v, error %v", len(all), all, err)
	}
	var sections []section
	for _, g := range all {
		g[0].config.Options = g[0].Options
		s, err := sweepSection(g, false)
		if err != nil {
			t.Fatal(err)
		}
		sections = append(sections, *s)
	}
	sections = append(sections, section{Title: "another"})
	title := sections[0].Title
	tellApart(sections)
	for i, want := range []string{
		title + " (augment none, momentum 0) ()", title + " (augment none, momentum 0.9)", title + " (augment shift=1, momentum 0)",
		title + " (augment none, momentum 0) (runs/again)", "another",
	} {
		if got := sections[i].Title; got != want {
			t.Errorf("section %d is called %q, want %q", i, got, want)
		}
	}
}

func TestAFailedTrialIsADash(t *testing.T) {
	s := swept(false, 0.7, 0.6)
	s.Trials[1].Failed = "train: the loss is not finite"
	table := sweepTable([]*sweep{s}, nil)
	if !slices.Equal(table.Rows[1], []string{"0.3", "–", "–", "–"}) || table.Best != 0 {
		t.Errorf("table %+v", table)
	}
}

// Of three batch sizes the first fails with fresh weights, the second with carried-over ones.
func TestSweepsThatShareAPlotKeepTheirPlaces(t *testing.T) {
	var group []*sweep
	for i, carryOver := range []bool{false, true} {
		o := tune.Options{LearningRate: "1.5", BatchSize: "32,64,128", Optimizer: "sgd", Activation: "sigmoid", Seed: "1", CarryOver: carryOver}
		r := &tune.Result{Options: o}
		r.Axes, _ = o.Swept()
		for j, size := range []int{32, 64, 128} {
			r.Trials = append(r.Trials, tune.Trial{
				Hyperparameters: train.Hyperparameters{LearningRate: 1.5, BatchSize: size, Optimizer: "sgd", Activation: "sigmoid", Seed: 1},
				Metrics:         []metrics.Epoch{epochOf(0, 0, []float64{0.7, 0.8, 0.9}[j])},
			})
		}
		r.Trials[i].Failed = "train: the loss is not finite"
		group = append(group, &sweep{r, &tune.Config{Options: o}})
	}
	test := sweepPlots(group, group[0].Axes[0], &originalFigures{values: []originalValue{{"32", 0.75, 1}, {"128", 0.95, 1}}})[0]
	if !slices.Equal(test.Names, []string{"32", "64", "128"}) || len(test.Series) != 3 {
		t.Fatalf("names %q, %d series", test.Names, len(test.Series))
	}
	for i, want := range []map[float64]float64{{1: 0.8, 2: 0.9}, {0: 0.7, 2: 0.9}, {0: 0.75, 2: 0.95}} {
		got := map[float64]float64{}
		for j, y := range test.Series[i].Y {
			if !math.IsNaN(y) {
				got[test.Series[i].X[j]] = y
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s has the points %v, want %v", test.Series[i].Name, got, want)
		}
	}
}

// epochOf returns an epoch with a training, a validation and a test accuracy.
func epochOf(trained, validation, test float64) metrics.Epoch {
	e := metrics.Epoch{Number: 1}
	e.Add(metrics.Train, metrics.Accuracy, trained)
	e.Add(metrics.Test, metrics.Accuracy, test)
	e.Add(metrics.Validation, metrics.Accuracy, validation)
	return e
}
