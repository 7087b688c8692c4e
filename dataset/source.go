package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"lenet/option"
)

// Names are the lists of names in the help of [Source].
var Names = option.Names{"datasets": catalogueNames()}

// Files say where a set's files are, and how to read them.
type Files struct {
	Dir       string `json:"data" name:"data" placeholder:"DIR" help:"Your own images, in place of --dataset: a folder with four IDX files, or with a folder of pictures for each class."`
	Transpose *bool  `json:"transpose,omitempty" negatable:"" help:"The IDX files of --data hold images column by column, as EMNIST's do."`
	Classes   string `json:"classes,omitempty" placeholder:"FILE" help:"Names of the classes of --data, one a line, in the order of the labels."`
	Mirror    string `json:"mirror" placeholder:"URL" help:"Base URL to fetch the data set's files from."`

	Names    []string `json:"-" kong:"-"` // of the classes, where they are known without a file
	TestOnly bool     `json:"-" kong:"-"` // the training set may be missing: the test set stands for it
}

// A Source says which images to use.
type Source struct {
	Dataset string `json:"dataset" default:"mnist" placeholder:"NAME" help:"Data set to fetch and use: ${datasets}."`
	Files
}

func (o *Files) transposed() bool { return o.Transpose != nil && *o.Transpose }

// Title returns the data's name as titles have it: "MNIST", or that of the folder.
func (o *Source) Title() string {
	if o.Dir != "" {
		return o.name()
	}
	if spec, err := Lookup(o.Dataset); err == nil {
		return spec.Title
	}
	return o.Dataset
}

// Load returns the training and the test set, which it fetches if need be. log gets each source that is tried, and notices.
//
// Errors: [option.Error] for an unknown name; those of [Spec.Load] and [Load].
func (o *Source) Load(ctx context.Context, log func(string)) (*Data, error) {
	if o.Dir != "" {
		return o.Files.load(ctx, log)
	}
	spec, err := Lookup(o.Dataset)
	if err != nil {
		return nil, err
	}
	if o.transposed() || o.Classes != "" {
		return nil, option.Errorf("data", "must be given with --transpose or --classes: a data set that is known by name has its own")
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	train, test, _, err := spec.Load(ctx, cache, o.Mirror, log)
	if err != nil {
		return nil, err
	}
	return &Data{Name: spec.Title, Train: train, Test: test}, nil
}

// load loads a set of the user's own.
func (o *Files) load(ctx context.Context, log func(string)) (data *Data, err error) {
	format := Format{Transpose: o.transposed(), Classes: o.Names}
	if o.Classes != "" {
		if format.Classes, err = ReadClasses(o.Classes); err != nil {
			return nil, err
		}
	}
	data = &Data{Name: o.name()}
	found, err := findFiles(o.Dir, o.TestOnly)
	if errors.Is(err, fs.ErrNotExist) {
		pictures, picturesErr := findPictures(o.Dir, o.TestOnly, log)
		if picturesErr == nil && pictures == nil || errors.Is(picturesErr, fs.ErrNotExist) {
			return nil, err
		}
		if picturesErr != nil {
			return nil, picturesErr
		}
		if data.Train, data.Test, err = pictures.load(ctx); err != nil {
			return nil, err
		}
		return data, o.namePictures(data, format.Classes)
	}
	if err != nil {
		return nil, err
	}
	if spec := o.knownAs(found); spec != nil {
		if format.Classes == nil {
			format.Classes = spec.Classes
		}
		if spec.Transpose && o.Transpose == nil {
			log(fmt.Sprintf("EMNIST stores its images column by column, and %s seem to be its own files: if its images lie on their sides, give --transpose", filepath.Join(found.dir, found.prefix)))
		}
	}
	if data.Train, data.Test, err = format.load(found.paths, readFile); err != nil {
		return nil, err
	}
	if !o.TestOnly {
		data.tellMissing(log)
	}
	return data, nil
}

// tellMissing says which classes have no training images.
func (d *Data) tellMissing(log func(string)) {
	var missing []string
	for class, n := range d.Train.counts() {
		if n == 0 {
			missing = append(missing, d.Train.Names[class])
		}
	}
	const most = 10
	if n := len(missing); n > most {
		missing = append(missing[:most:most], fmt.Sprintf("%d more", n-most))
	}
	if len(missing) > 0 {
		log(fmt.Sprintf("%s has no training images of the classes %s", d.Name, strings.Join(missing, ", ")))
	}
}

// namePictures gives the classes of folders of pictures the names that the user has given.
func (o *Files) namePictures(data *Data, names []string) error {
	if o.transposed() && !o.TestOnly { // perhaps of the run's own set
		return option.Errorf("transpose", "is for IDX files, and %s has pictures", o.Dir)
	}
	if names == nil {
		return nil
	}
	if len(names) != data.Train.Classes {
		return option.Errorf("classes", "has %d names, and %s has %d folders", len(names), o.Dir, data.Train.Classes)
	}
	data.Train.Names, data.Test.Names = names, names
	return nil
}

// name returns the name of the user's own set, which is that of its folder.
func (o *Files) name() string {
	path, err := filepath.Abs(o.Dir)
	if err != nil {
		path = o.Dir
	}
	if base := filepath.Base(path); base != "raw" { // as torchvision names it, in a folder with the set's name
		return base
	}
	return filepath.Base(filepath.Dir(path))
}

// knownAs returns the set of the catalogue whose files these seem to be, or nil: they have its names or, as torchvision has them, are in a folder of its name.
func (o *Files) knownAs(g *group) *Spec {
	fold := func(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "") }
	i := slices.IndexFunc(Catalogue, func(s *Spec) bool {
		if g.prefix == "" {
			return fold(s.Name) == fold(o.name())
		}
		return strings.HasPrefix(s.files()[0], g.prefix+"-train")
	})
	if i < 0 {
		return nil
	}
	return Catalogue[i]
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
