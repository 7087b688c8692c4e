package report

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lenet/dataset"
	"lenet/metrics"
	"lenet/predict"
	"lenet/runs"
)

// How many predictions a page shows, and the seed that they are drawn with.
const (
	predictions = 9
	drawSeed    = 1
)

// measured is what a page shows of a run's network on its test set.
type measured struct {
	data   *dataset.Data
	test   *dataset.Set
	result *metrics.Result
	draws  []predict.Prediction
}

// measure evaluates a network.
//
// Errors: [dataError], where there is no test set for it; those of the evaluation.
func measure(ctx context.Context, net *predict.Network, log func(string)) (*measured, error) {
	test, err := net.Test(ctx, log)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, &dataError{err}
	}
	m := &measured{test: test}
	if m.data, err = net.DataSet(ctx, log); err != nil {
		return nil, err
	}
	if m.result, err = net.Evaluate(ctx, test); err != nil {
		return nil, err
	}
	m.draws, err = net.Draw(ctx, test, predictions, drawSeed)
	return m, err
}

// needData are the parts of a section that are made from the data.
const needData = "the confusion matrix, the predictions and the mistakes"

// A dataError says why a run's data cannot be used.
type dataError struct{ cause error }

func (e *dataError) Error() string { return e.cause.Error() }
func (e *dataError) Unwrap() error { return e.cause }

// lostData returns the [dataError] of an error that is one, or that says that the data are not where the run's options have them; or nil.
func lostData(err error) *dataError {
	var data *dataError
	var lost *runs.LostError
	if !errors.As(err, &data) && errors.As(err, &lost) { // opening the network needed them
		return &dataError{err}
	}
	return data
}

// text says on the page what is missing, and why.
func (e *dataError) text() string {
	why := fmt.Sprintf("The data set cannot be used (%v)", e.cause)
	var lost *runs.LostError
	if errors.As(e.cause, &lost) {
		why = "The data are not there: they were looked for in " + strings.Join(lost.Tried, " and ")
	}
	return why + ". So " + needData + " are left out."
}

// lastTest says how the network did on the test set when it was last measured; it is empty where that is not known.
func lastTest(epochs []metrics.Epoch) string {
	if len(epochs) == 0 {
		return ""
	}
	last := &epochs[len(epochs)-1]
	accuracy, ok := last.Get(metrics.Test, metrics.Accuracy)
	if !ok {
		return "Without a measured test accuracy"
	}
	text := fmt.Sprintf("Test accuracy of the last epoch %.4f", accuracy)
	if loss, ok := last.Get(metrics.Test, metrics.Loss); ok {
		text += fmt.Sprintf(", loss %.4f", loss)
	}
	return text
}
