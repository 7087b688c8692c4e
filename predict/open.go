package predict

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lenet/dataset"
	"lenet/metrics"
	"lenet/model"
	"lenet/train"
)

// Options say which network to use, and what on.
type Options struct {
	Model   string `placeholder:"PATH" help:"A run folder or its model.safetensors. Without it, the newest run in runs/."`
	Dataset string `placeholder:"NAME" help:"Data set to fetch and use: mnist or fashion-mnist. Without it, the run's own."`
	Dir     string `name:"data" placeholder:"DIR" help:"Folder with four IDX files of your own, in place of --dataset."`
	Mirror  string `placeholder:"URL" help:"Base URL to fetch the data set's files from."`
	train.ComputeOptions
}

// A Network is a saved network, on the thread of the goroutine that opened it until Close.
type Network struct {
	*model.LeNet
	Path    string // of its file
	data    train.DataOptions
	release func()
}

// Open returns a saved network for images of 28x28 pixels.
//
// Errors: [train.UsageError]; a file or folder that is not there; weights that do not fit.
func Open(o Options, log func(string)) (*Network, error) {
	if err := o.ComputeOptions.Validate(); err != nil {
		return nil, err
	}
	path, err := find(o.Model)
	if err != nil {
		return nil, err
	}
	n := &Network{Path: path, data: train.DataOptions{Dataset: o.Dataset, Dir: o.Dir, Mirror: o.Mirror}}
	config, err := train.ReadConfig(filepath.Dir(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if config != nil && o.Dataset == "" && o.Dir == "" {
		n.data.Dataset, n.data.Dir = config.Dataset, config.Dir
	}
	n.data.Dataset = cmp.Or(n.data.Dataset, "mnist")
	if err := o.Resolve(log); err != nil {
		return nil, err
	}
	if n.release, err = o.Use(); err != nil {
		return nil, err
	}
	if n.LeNet, err = model.Open(path, side, side, o.Kernels, o.Device); err != nil {
		n.release()
		return nil, err
	}
	return n, nil
}

// Close frees the network.
func (n *Network) Close() {
	n.LeNet.Close()
	n.release()
}

// Test returns the test set.
func (n *Network) Test(ctx context.Context, log func(string)) (*dataset.Set, error) {
	data, err := n.data.Load(ctx, log)
	if err != nil {
		return nil, err
	}
	if data.Test.Rows != side || data.Test.Cols != side {
		return nil, fmt.Errorf("predict: the set's images have %dx%d pixels, and this needs %dx%d", data.Test.Rows, data.Test.Cols, side, side)
	}
	return data.Test, nil
}

// Evaluate measures the network on a set.
func (n *Network) Evaluate(ctx context.Context, set *dataset.Set) (*metrics.Result, error) {
	probabilities, err := n.Probabilities(ctx, set.Images)
	if err != nil {
		return nil, err
	}
	return metrics.Of(probabilities, set.Labels, model.Classes), nil
}

// find returns the path of a network's file: itself, the one in its folder, or the newest in runs/.
func find(path string) (string, error) {
	if path == "" {
		files, err := filepath.Glob(filepath.Join("runs", "*", train.WeightsFile))
		if err != nil {
			return "", fmt.Errorf("predict: %w", err)
		}
		var newest fs.FileInfo
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && (newest == nil || info.ModTime().After(newest.ModTime())) {
				path, newest = f, info
			}
		}
		if newest == nil {
			return "", errors.New("predict: there is no run in runs/ here; train one, or name one with --model")
		}
		return path, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("predict: no run: %w", err)
	}
	if info.IsDir() {
		path = filepath.Join(path, train.WeightsFile)
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("predict: the folder holds no trained network: %w", err)
		}
	}
	return path, nil
}
