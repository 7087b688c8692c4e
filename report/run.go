package report

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"lenet/figure"
	"lenet/metrics"
	"lenet/predict"
	"lenet/train"
)

// How many predictions a page shows, and the seed that they are drawn with.
const (
	predictions = 9
	drawSeed    = 1
)

// runSection returns the section of a run: curves by epoch, confusion, predictions, mistakes.
func runSection(ctx context.Context, dir string, o Options, log func(string)) (*section, error) {
	net, err := predict.Open(predict.Options{Model: dir, ComputeOptions: o.ComputeOptions}, log)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	dir = filepath.Dir(net.Path)
	config, err := train.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	epochs, err := train.ReadMetrics(dir)
	if err != nil {
		return nil, err
	}
	test, err := net.Test(ctx, log)
	if err != nil {
		return nil, err
	}
	result, err := net.Evaluate(ctx, test)
	if err != nil {
		return nil, err
	}
	draws, err := net.Draw(ctx, test, predictions, drawSeed)
	if err != nil {
		return nil, err
	}

	s := &section{dir: dir, Title: fmt.Sprintf("%s: %d epochs, learning rate %v, batch size %d", strings.ToUpper(config.Dataset), len(epochs), config.LearningRate, config.BatchSize)}
	s.Texts = runTexts(config, epochs, result)
	original := o.Original && isOriginalRun(config.Options)
	if original {
		s.Texts = append(s.Texts, originalRunText)
	}
	if s.Plots, err = drawn(curves(epochs, original)...); err != nil {
		return nil, err
	}
	pictures := []figure.Figure{predict.Grid(test, draws), predict.Confusion(result)}
	if len(result.Mistakes) > 0 {
		pictures = append(pictures, predict.Mistakes(result, test))
	}
	if s.Pictures, err = drawn(pictures...); err != nil {
		return nil, err
	}
	s.Details = []table{epochTable(epochs, original), classTable(result)}
	return s, s.describe(config)
}

func runTexts(config *train.Config, epochs []train.Metrics, r *metrics.Result) []string {
	seconds := 0.0
	for _, m := range epochs {
		seconds += m.TrainSeconds + m.EvalSeconds
	}
	return []string{fmt.Sprintf("Test accuracy %.4f, loss %.4f, expected calibration error %.4f, after %d epochs in %.1f s: %.2f s per epoch with testing, on %s with %s (%s).",
		r.Accuracy, r.Loss, r.ECE, len(epochs), seconds, seconds/float64(len(epochs)), config.Device, threads(config.Threads), config.Versions.CPUCapability)}
}

// curves returns accuracy, loss and time by epoch.
func curves(epochs []train.Metrics, original bool) []figure.Figure {
	var number, loss, testLoss, trained, tested, validated, seconds []float64
	for _, m := range epochs {
		number, loss, testLoss = append(number, float64(m.Epoch)), append(loss, m.Loss), append(testLoss, m.TestLoss)
		trained, tested, seconds = append(trained, m.TrainAccuracy), append(tested, m.TestAccuracy), append(seconds, m.TrainSeconds)
		if m.ValidationLoss != 0 {
			validated = append(validated, m.ValidationAccuracy)
		}
	}
	acc := &figure.Lines{Title: "Accuracy by epoch", XLabel: "epoch", YLabel: "accuracy (share of images)", Series: []figure.Series{
		{Name: "training", X: number, Y: trained}, {Name: "test", X: number, Y: tested},
	}}
	if validated != nil {
		acc.Series = append(acc.Series, figure.Series{Name: "validation", X: number, Y: validated})
	}
	if original {
		theirs := figure.Series{Name: "test, the original", Dashed: true}
		for _, m := range epochs {
			if a, ok := originalRunAccuracies[m.Epoch]; ok {
				theirs.X, theirs.Y = append(theirs.X, float64(m.Epoch)), append(theirs.Y, a)
			}
		}
		acc.Series = append(acc.Series, theirs)
	}
	acc.Fit()
	return []figure.Figure{
		acc,
		&figure.Lines{Title: "Loss by epoch", XLabel: "epoch", YLabel: "cross-entropy (nats per image)", FromZero: true, Series: []figure.Series{
			{Name: "training", X: number, Y: loss}, {Name: "test", X: number, Y: testLoss},
		}},
		&figure.Lines{Title: "Training time by epoch", XLabel: "epoch", YLabel: "time (s)", FromZero: true, Series: []figure.Series{{Name: "training", X: number, Y: seconds}}},
	}
}

func epochTable(epochs []train.Metrics, original bool) table {
	t := table{Title: "Every epoch", Head: []string{"epoch", "loss", "training accuracy", "test accuracy", "s, training", "s, testing"}, Best: -1}
	if original {
		t.Head = append(t.Head, "test accuracy, original")
	}
	for _, m := range epochs {
		row := []string{
			strconv.Itoa(m.Epoch), fmt.Sprintf("%.4f", m.Loss), accuracy(m.TrainAccuracy, true), accuracy(m.TestAccuracy, true),
			fmt.Sprintf("%.2f", m.TrainSeconds), fmt.Sprintf("%.2f", m.EvalSeconds),
		}
		if original {
			a, ok := originalRunAccuracies[m.Epoch]
			row = append(row, accuracy(a, ok))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func classTable(r *metrics.Result) table {
	t := table{Title: "Precision, recall and F1 by class", Head: []string{"class", "images", "precision", "recall", "F1"}, Best: -1}
	for i, c := range r.Classes {
		t.Rows = append(t.Rows, []string{strconv.Itoa(i), strconv.Itoa(c.Images), accuracy(c.Precision, true), accuracy(c.Recall, true), accuracy(c.F1, true)})
	}
	return t
}
