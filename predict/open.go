package predict

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"lenet/compute"
	"lenet/dataset"
	"lenet/metrics"
	"lenet/model"
	"lenet/option"
	"lenet/runs"
	"lenet/torchx"
)

// Names are the lists of names in the help of [Options].
var Names = option.Join(dataset.Names, compute.Names, model.Names)

// Options say which network to use, and what on.
type Options struct {
	Model      string `placeholder:"PATH" help:"A run folder or its model.safetensors. Without it, the newest run in runs/."`
	Activation string `placeholder:"NAME" help:"The network's activation (${activations}), for a weights file that does not say it."`
	Dataset    string `placeholder:"NAME" help:"Data set to fetch and use: ${datasets}. Without it, the run's own."`
	dataset.Files
	compute.Resources
}

// Defaults returns options for the newest run.
func Defaults() (o Options) {
	option.Defaults(&o, Names)
	return o
}

// A Network is a saved network, on the thread of the goroutine that opened it until Close.
type Network struct {
	*model.LeNet
	Path    string   // of its weights
	Dir     runs.Dir // of its weights
	source  dataset.Source
	own     bool          // source is the run's own, as its config.json has it
	damaged error         // why the run's config.json cannot be read
	named   bool          // the run's own names of classes are those of a file, and the options name no other
	data    *dataset.Data // of source, once it is loaded
	guard   torchx.Guard  // of its files
	release func()
}

// Open returns a saved network. What its file does not say of it, the config.json beside it and the data set do. log gets notices.
//
// Errors: [option.Error]; [runs.ErrNone]; [model.UnknownError]; a file or folder that is not there; weights that do not fit.
func Open(ctx context.Context, o Options, log func(string)) (*Network, error) {
	if err := o.Resources.Validate(); err != nil {
		return nil, err
	}
	if o.Activation != "" {
		if err := model.ValidateActivation(o.Activation); err != nil {
			return nil, err
		}
	}
	path, dir, err := runs.FindWeights(o.Model)
	if err != nil {
		return nil, err
	}
	if o.Model == "" {
		log("the newest run, " + string(dir))
	}
	n := &Network{Path: path, Dir: dir, source: dataset.Source{Dataset: o.Dataset, Files: o.Files}}
	config := n.config(log)
	known, err := n.known(ctx, config, log)
	if err != nil {
		return nil, err
	}
	known.Activation = o.Activation
	if err := o.Resolve(log); err != nil {
		return nil, err
	}
	if n.release, err = o.Use(); err != nil {
		return nil, err
	}
	if n.LeNet, err = open(path, known, config, model.Options{Kernels: o.Kernels, Device: o.Device, Log: log}); err != nil {
		n.release()
		return nil, err
	}
	if o.Activation != "" && o.Activation != n.Activation {
		n.Close()
		return nil, option.Errorf("activation", "is %s, and the network of %s has %s", o.Activation, path, n.Activation)
	}
	if o.Classes != "" {
		if err := n.name(o.Classes); err != nil {
			n.Close()
			return nil, err
		}
	}
	return n, nil
}

// name gives the network's classes the names in a file.
func (n *Network) name(path string) error {
	names, err := dataset.ReadClasses(path)
	if err != nil {
		return err
	}
	if len(names) != n.Classes {
		return option.Errorf("classes", "%s has %d names, and the network has %d classes", path, len(names), n.Classes)
	}
	n.Data.Classes = names
	return nil
}

// A config is what a config.json beside weights says of them. It is empty where there is none.
type config struct {
	dataset.Source
	Activation string     `json:"activation"`
	Network    model.Spec `json:"network"`
}

// config reads the folder's config.json. One that is no run's, as other programs write theirs beside weights, says nothing.
func (n *Network) config(log func(string)) (c config) {
	if err := n.Dir.ReadConfig(&c); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log(err.Error() + "; it is not used")
		n.damaged = err
		return config{}
	}
	return c
}

// open opens a weights file. An activation that neither the file nor known says is the config.json's beside it, if that may be the file's.
func open(path string, known model.Spec, c config, o model.Options) (*model.LeNet, error) {
	net, err := model.Open(path, known, o)
	var unknown *model.UnknownError
	if !errors.As(err, &unknown) || unknown.What != "activation" || c.Activation == "" {
		return net, err
	}
	if c.Network.Classes > 0 && !c.Network.SameWidths(unknown.Spec) {
		return nil, fmt.Errorf("%w, and the config.json beside it describes another network: %s, not %s", err, widths(c.Network), widths(unknown.Spec))
	}
	if model.ValidateActivation(c.Activation) != nil { // a sweep's list
		return nil, err
	}
	o.Log(fmt.Sprintf("%s does not say its activation; the config.json beside it says %s", path, c.Activation))
	known.Activation = c.Activation
	return model.Open(path, known, o)
}

// widths describes a network's layers.
func widths(s model.Spec) string {
	return fmt.Sprintf("%d and %d channels, %d and %d hidden units, %d classes", s.Channels[0], s.Channels[1], s.Hidden[0], s.Hidden[1], s.Classes)
}

// known returns what the config.json beside the weights and the data set say of the images' size. It chooses the data set, too: the run's own unless
// the options name one.
func (n *Network) known(ctx context.Context, c config, log func(string)) (spec model.Spec, err error) {
	if n.source.Dataset == "" && n.source.Dir == "" {
		own := n.source.Files
		n.source = c.Source
		n.source.Mirror = cmp.Or(own.Mirror, n.source.Mirror)
		if own.Transpose != nil {
			n.source.Transpose = own.Transpose
		}
		n.own, n.named = true, own.Classes == "" && n.source.Classes != ""
		n.source.Classes = cmp.Or(own.Classes, n.source.Classes)
	}
	if !n.own && n.source.Dir != "" && n.source.Transpose == nil && c.Transpose != nil && *c.Transpose {
		n.source.Transpose = c.Transpose
		log("--data is read with --transpose, as the run's own set was; --no-transpose reads it as it stands")
	}
	n.source.Dataset = cmp.Or(n.source.Dataset, "mnist")
	switch {
	case c.Network.Rows > 0:
		spec.Rows, spec.Cols = c.Network.Rows, c.Network.Cols
	case n.source.Dir == "":
		set, err := dataset.Lookup(n.source.Dataset)
		if err != nil {
			return spec, err
		}
		spec.Rows, spec.Cols = set.Rows, set.Cols
	default:
		if err := n.load(ctx, log); err != nil {
			return spec, err
		}
		spec.Rows, spec.Cols = n.data.Test.Rows, n.data.Test.Cols
	}
	return spec, nil
}

// Close frees the network.
func (n *Network) Close() {
	n.LeNet.Close()
	n.release()
}

// Test returns the test set. Its classes are those of the network, with the network's names, or its own where the network has none.
func (n *Network) Test(ctx context.Context, log func(string)) (*dataset.Set, error) {
	if err := n.load(ctx, log); err != nil {
		return nil, err
	}
	s := n.data.Test
	if s.Rows != n.Rows || s.Cols != n.Cols {
		return nil, fmt.Errorf("predict: the set has images of %dx%d pixels, and the network was trained on %dx%d", s.Rows, s.Cols, n.Rows, n.Cols)
	}
	return s.Relabelled(n.ClassNames(), n.Data.First, log)
}

// DataSet returns the data set that the test set is part of.
func (n *Network) DataSet(ctx context.Context, log func(string)) (*dataset.Data, error) {
	err := n.load(ctx, log)
	return n.data, err
}

// load loads the data set, once.
func (n *Network) load(ctx context.Context, log func(string)) (err error) {
	if n.data != nil {
		return nil
	}
	if n.own && n.damaged != nil {
		return fmt.Errorf("%w, and so not which set the network was trained on; name it with --data or --dataset", n.damaged)
	}
	if n.own {
		if n.source.Dir, err = n.Dir.Locate(n.source.Dir); err != nil {
			return err
		}
		if n.named && n.LeNet != nil && n.Data.Classes != nil {
			n.source.Classes, n.source.Names = "", n.Data.Classes // the file may be gone
		}
	}
	n.source.TestOnly = true
	if n.data, err = n.source.Load(ctx, log); err != nil {
		return err
	}
	for _, m := range n.data.Mappings() {
		if err := n.guard.Add(m.Path, m.Memory); err != nil {
			return err
		}
	}
	return nil
}

// Evaluate measures the network on a set.
func (n *Network) Evaluate(ctx context.Context, set *dataset.Set) (*metrics.Result, error) {
	probabilities, err := n.Probabilities(ctx, set.Images)
	if err != nil {
		return nil, err
	}
	result, err := metrics.Of(probabilities, set.Labels, set.Names)
	if lost := n.guard.Err(); lost != nil { // of the labels, too
		return nil, fmt.Errorf("predict: %w", lost)
	}
	return result, err
}
