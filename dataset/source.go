package dataset

import (
	"context"
	"fmt"
	"path/filepath"

	"lenet/option"
)

// Names are the lists of names in the help of [Source].
var Names = option.Names{"datasets": catalogueNames()}

// A Source says which images to use.
type Source struct {
	Dataset string `json:"dataset" default:"mnist" placeholder:"NAME" help:"Data set to fetch and use: ${datasets}."`
	Dir     string `json:"data" name:"data" placeholder:"DIR" help:"Folder with four IDX files of your own, in place of --dataset."`
	Mirror  string `json:"mirror" placeholder:"URL" help:"Base URL to fetch the data set's files from."`
}

// Load returns the training and the test set, which it fetches if need be. log gets each source that is tried.
//
// Errors: [option.Error] for an unknown name; those of [Fetch] and [Load].
func (o *Source) Load(ctx context.Context, log func(string)) (*Data, error) {
	dir, spec := o.Dir, (*Spec)(nil)
	if dir == "" {
		var err error
		if spec, err = Lookup(o.Dataset); err != nil {
			return nil, err
		}
		cache, err := CacheDir()
		if err != nil {
			return nil, err
		}
		if dir, err = Fetch(ctx, spec, cache, o.Mirror, log); err != nil {
			return nil, err
		}
	}
	train, test, err := Load(dir, spec)
	if err != nil {
		return nil, err
	}
	data := &Data{Name: filepath.Base(dir), Train: train, Test: test}
	if spec != nil {
		data.Name = spec.Title
	}
	return data, nil
}

// Data is what a network is trained and tested on.
type Data struct {
	Name        string // as a title has it: "MNIST", or that of the folder
	Train, Test *Set

	// Indices into Train of the images to train on and to validate with. Both are nil where all are trained on.
	Training, Validation []uint32
}

// splitSeed makes the validation set the same in every run.
const splitSeed = 1

// SplitOff sets n images of the training set aside to validate with; 0 does nothing. Its error is an [option.Error].
func (d *Data) SplitOff(n int) (err error) {
	if n == 0 {
		return nil
	}
	if n >= d.Train.Len() {
		return option.Errorf("validation", "is %d, and the training set has %d images; give fewer", n, d.Train.Len())
	}
	if d.Training, d.Validation, err = Split(d.Train, n, splitSeed); err != nil {
		return fmt.Errorf("dataset: splitting images off: %w", err)
	}
	return nil
}
