package main

import (
	"errors"
	"fmt"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/metrics"
	"lenet/model"
	"lenet/option"
	"lenet/runs"
	"lenet/torchx"
	"lenet/train"
	"lenet/tune"
)

// Libraries say what is wrong, and the command line adds which flag helps.
func TestMessagesSayWhatToDoNext(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("train: %w", option.Errorf("lr", "is 0 and must be a positive number")), "--lr is 0 and must be a positive number"},
		{option.Errorf("<name>", "is wrong"), "<name> is wrong"},
		{fmt.Errorf("train: %w at step 2", train.ErrDiverged), "train: the loss is not finite at step 2; try a smaller --lr"},
		{&torchx.Error{Text: "CUDA out of memory."}, "libtorch: CUDA out of memory.; try a smaller --batch-size"},
		{&torchx.Error{Text: "no"}, "libtorch: no"},
		{&compute.DeviceError{Device: "cuda", Cause: errors.New("there is no driver")}, "compute: device cuda: there is no driver; give --device cpu to do without a GPU"},
		{&runs.ExistsError{Dir: "a", File: "config.json"}, "runs: a already holds a run's config.json; give another --out, or --force to overwrite it, or go on with it: lenet train --resume a"},
		{&runs.ExistsError{Dir: "a", File: "config.json", Sweep: true}, "runs: a already holds a sweep's config.json; give another --out, or --force to overwrite it, or continue the sweep with lenet tune --resume a"},
		{&runs.ExistsError{Dir: "a", File: "config.json", Foreign: true}, "runs: a holds a config.json that is not a run's; give another --out, or --force to overwrite the file"},
		{runs.ErrNone, "runs: there is no run in runs/ here; train one, or name one with --model"},
		{&model.UnknownError{What: "activation"}, "the file does not say the network's activation; give --activation"},
		{&model.ForeignError{Path: "a.pt", Format: "a PyTorch checkpoint", Python: "import torch"}, "model: a.pt: it is a PyTorch checkpoint, and weights are read from safetensors files; convert it: python3 -c 'import torch'"},
		{&model.ForeignError{Path: "a.h5", Format: "an HDF5 file", Weights: true}, "model: a.h5: it is an HDF5 file, and weights are read from safetensors files; save them as safetensors with the program that wrote it"},
		{&model.ForeignError{Path: "config.json", Format: "JSON"}, "model: config.json: it is JSON, and weights are read from safetensors files; give a run's folder or its model.safetensors"},
		{&model.NotFiniteError{Tensor: "fc1.bias", Count: 1, Of: 120}, "1 of the 120 values of its fc1.bias are NaN or infinite; the training that wrote it diverged: train again, with a smaller learning rate"},
		{&tune.Interrupted{Cause: errors.New("stopped"), Dir: "a"}, "stopped; continue with lenet tune --resume a"},
		{&dataset.FetchError{Name: "mnist", Causes: []error{errors.New("from a: no")}}, "dataset: cannot fetch mnist (from a: no); put its four files into a folder and give --data DIR, or give --mirror URL"},
		{&runs.LostError{Path: "digits", Config: "a/config.json", Tried: []string{"/b/digits", "/digits"}}, "runs: a/config.json names digits, and there is no /b/digits or /digits; put it there, or name another with --data or --classes"},
		{&runs.BusyError{Dir: "a"}, "runs: another process is writing to a; wait until it has ended, or give another --out"},
		{&runs.EmptyError{Dir: "a"}, "runs: a holds no trained network; name the folder of a run that has ended an epoch, or a weights file"},
		{&runs.EmptyError{Dir: "a", Sweep: true}, "runs: the sweep in a has no trials yet; continue it with lenet tune --resume a"},
		{&runs.WriteError{Path: "a/report.html", Cause: errors.New("permission denied")}, "runs: writing a/report.html: permission denied; give another --out"},
		{fmt.Errorf("predict: %w", &torchx.LostError{Path: "a"}), "predict: torchx: a became shorter, or unreadable, while it was in use; leave the file as it is while it is in use; what a run had saved before is still there"},
		{errors.New("disk full"), "disk full"},
	} {
		if got := message(c.err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestAnEpochsLineShowsWhatWasMeasured(t *testing.T) {
	e := metrics.Epoch{Number: 7}
	e.Add(metrics.Train, metrics.Loss, 0.25)
	e.Add(metrics.Train, metrics.Accuracy, 0.5)
	e.Add(metrics.Test, metrics.Loss, 0.125)
	e.Add(metrics.Test, metrics.Accuracy, 0.75)
	e.Add(metrics.Train, metrics.Seconds, 1.5)
	e.Add(metrics.Eval, metrics.Seconds, 0.5)
	if got, want := epochLine(&e), "epoch 7, loss 0.2500, train acc 0.500, test acc 0.750, time 2.0 sec"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	e.Add(metrics.Validation, metrics.Accuracy, 0.625)
	if got, want := epochLine(&e), "epoch 7, loss 0.2500, train acc 0.500, val acc 0.625, test acc 0.750, time 2.0 sec"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
