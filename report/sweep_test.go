package report

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"lenet/train"
	"lenet/tune"
)

// swept is a sweep of two of the original's learning rates, of which two epochs are there.
func swept(carryOver bool, trained ...float64) *sweep {
	o := tune.Options{LearningRate: "0.15,0.3", BatchSize: "64", Optimizer: "sgd", Activation: "sigmoid", Seed: "1", Validation: 5000, Jobs: 2, CarryOver: carryOver}
	o.Dataset, o.Epochs, o.Threads = "mnist", 10, 1
	r := &tune.Result{Options: o}
	r.Axes, _ = o.Swept()
	for i, rate := range []float64{0.15, 0.3} {
		m := train.Metrics{TrainAccuracy: trained[i], ValidationAccuracy: 0.9 + rate/10, TestAccuracy: 0.8 + rate/10}
		r.Trials = append(r.Trials, tune.Trial{
			Number: i + 1, Setting: train.Setting{LearningRate: rate, BatchSize: 64, Optimizer: "sgd", Activation: "sigmoid", Seed: 1},
			Metrics: []train.Metrics{m, m}, Seconds: 7,
		})
	}
	return &sweep{r, &tune.Config{Options: o}}
}

func TestSweepsOfTheSameSettingsAreShownSideBySide(t *testing.T) {
	other := swept(false, 0, 0)
	other.Options.LearningRate, other.Options.BatchSize = "1.5", "32,64"
	other.Axes, _ = other.Options.Swept()
	all := groups([]*sweep{swept(false, 0.7, 0.6), other, swept(true, 0.7, 1)})
	if len(all) != 2 || len(all[0]) != 2 || len(all[1]) != 1 {
		t.Fatalf("groups %v", all)
	}
	s, err := sweepSection(all[0], true)
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Join(s.Texts, "\n")
	for _, want := range []string{
		"With fresh weights, validation on 5000 images", "With carried-over weights", "chooses learning rate 0.3: validation accuracy 0.9300, test accuracy 0.8300",
		"has trained for 2 epochs at its end and the last for 4", "goes from 0.700 at the first setting to 1.000 at the last; with fresh weights from 0.700 to 0.600", originalSweepText,
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

// The original's figures stand beside the original's experiment only.
func TestTheOriginalIsNoMeasureOfOtherExperiments(t *testing.T) {
	for name, change := range map[string]func(*tune.Options){
		"activation": func(o *tune.Options) { o.Activation = "relu" },
		"optimizer":  func(o *tune.Options) { o.Optimizer = "adam" },
		"batch size": func(o *tune.Options) { o.BatchSize = "32" },
		"training":   func(o *tune.Options) { o.Epochs = 9 },
		"data set":   func(o *tune.Options) { o.Dataset = "fashion-mnist" },
	} {
		s := swept(false, 0.7, 0.6)
		change(&s.Options)
		if theirs, _ := originalOf(s, true); theirs != nil {
			t.Errorf("another %s: %v", name, theirs)
		}
	}
	if theirs, _ := originalOf(swept(false, 0.7, 0.6), true); theirs["1.5"] != .991 {
		t.Errorf("the report's own sweep: %v", theirs)
	}
}

func TestAFailedTrialIsADash(t *testing.T) {
	s := swept(false, 0.7, 0.6)
	s.Trials[1].Failed = "train: the loss is not finite"
	table := sweepTable([]*sweep{s}, nil, nil)
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
				Setting: train.Setting{LearningRate: 1.5, BatchSize: size, Optimizer: "sgd", Activation: "sigmoid", Seed: 1},
				Metrics: []train.Metrics{{TestAccuracy: []float64{0.7, 0.8, 0.9}[j]}},
			})
		}
		r.Trials[i].Failed = "train: the loss is not finite"
		group = append(group, &sweep{r, &tune.Config{Options: o}})
	}
	test := sweepPlots(group, group[0].Axes[0], map[string]float64{"32": 0.75, "128": 0.95})[0]
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
