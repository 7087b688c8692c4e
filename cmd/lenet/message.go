package main

import (
	"errors"
	"fmt"
	"strings"

	"lenet/compute"
	"lenet/dataset"
	"lenet/model"
	"lenet/option"
	"lenet/picture"
	"lenet/runs"
	"lenet/serve"
	"lenet/torchx"
	"lenet/train"
	"lenet/tune"
)

// message returns an error in the words of the command line: options are flags, and what to do next follows.
func message(err error) string {
	var usage *option.Error
	if errors.As(err, &usage) {
		flag := usage.Option
		if !strings.HasPrefix(flag, "<") { // an argument
			flag = "--" + flag
		}
		return flag + " " + usage.Problem
	}
	if what := advice(err); what != "" {
		return fmt.Sprintf("%v; %s", err, what)
	}
	return err.Error()
}

// advice says what to do next, if there is something that flags can do.
func advice(err error) string {
	var (
		libtorch    *torchx.Error
		device      *compute.DeviceError
		exists      *runs.ExistsError
		unknown     *model.UnknownError
		foreign     *model.ForeignError
		notFinite   *model.NotFiniteError
		checkpoint  *model.CheckpointError
		stopped     *train.Interrupted
		other       *train.ContradictionError
		data        *train.DataError
		interrupted *tune.Interrupted
		fetch       *dataset.FetchError
		lost        *runs.LostError
		empty       *runs.EmptyError
		busy        *runs.BusyError
		shorter     *torchx.LostError
		writing     *runs.WriteError
		several     *picture.SeveralError
		listen      *serve.ListenError
	)
	switch {
	case errors.Is(err, train.ErrDiverged):
		return "try a smaller --lr"
	case errors.As(err, &libtorch) && libtorch.OutOfMemory():
		return "try a smaller --batch-size"
	case errors.As(err, &libtorch) && libtorch.OutOfThreads():
		return "raise the limit of threads, as with ulimit -u, or give fewer --threads"
	case errors.As(err, &device):
		return "give --device cpu to do without a GPU"
	case errors.As(err, &exists) && exists.Foreign:
		return "give another --out, or --force to overwrite the file"
	case errors.As(err, &exists) && exists.Sweep:
		return fmt.Sprintf("give another --out, or --force to overwrite it, or continue the sweep with lenet tune --resume %s", exists.Dir)
	case errors.As(err, &exists):
		return fmt.Sprintf("give another --out, or --force to overwrite it, or go on with it: lenet train --resume %s", exists.Dir)
	case errors.Is(err, runs.ErrNone):
		return "train one, or name one with --model"
	case errors.As(err, &unknown) && unknown.What == "activation":
		return "give --activation"
	case errors.As(err, &unknown):
		return "give the --dataset or --data that it was trained on"
	case errors.As(err, &foreign) && foreign.Python != "":
		return fmt.Sprintf("convert it: python3 -c '%s'", foreign.Python)
	case errors.As(err, &foreign) && !foreign.Weights:
		return "give a run's folder or its model.safetensors"
	case errors.As(err, &foreign):
		return "save them as safetensors with the program that wrote it"
	case errors.As(err, &notFinite):
		return "the training that wrote it diverged: train again, with a smaller learning rate"
	case errors.As(err, &checkpoint):
		return "give the run's folder, or its model.safetensors or best.safetensors; lenet train --resume goes on with the run"
	case errors.As(err, &busy):
		return "wait until it has ended, or give another --out"
	case errors.As(err, &empty) && empty.Sweep:
		return "continue it with lenet tune --resume " + string(empty.Dir)
	case errors.As(err, &empty):
		return "name the folder of a run that has ended an epoch, or a weights file"
	case errors.As(err, &shorter):
		return "leave the file as it is while it is in use; what a run had saved before is still there"
	case errors.As(err, &writing) && writing.Full():
		return "make room there; what a run had saved before is whole, and --resume goes on with it"
	case errors.As(err, &writing):
		return "give another --out"
	case errors.As(err, &lost):
		return "put it there, or name another with --data or --classes"
	case errors.As(err, &fetch):
		return "put its four files into a folder and give --data DIR, or give --mirror URL"
	case errors.As(err, &listen):
		return "give another --listen; a port of 0 takes one that is free"
	case errors.As(err, &several):
		return "give --split to read each"
	case errors.As(err, &other):
		return "leave it out, or give --override to change it from here on"
	case errors.As(err, &data):
		return "name the right ones with --data, or give --override to go on with these"
	case errors.As(err, &stopped):
		return "continue with lenet train --resume " + string(stopped.Dir)
	case errors.As(err, &interrupted):
		return "continue with lenet tune --resume " + string(interrupted.Dir)
	}
	return ""
}
