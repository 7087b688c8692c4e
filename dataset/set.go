package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// classes is the number of labels of every set that is read today: 0 to 9.
const classes = 10

// A Set is a sequence of images of one size, with a label each.
type Set struct {
	Rows, Cols int      // pixels
	Classes    int      // labels are 0 to Classes - 1
	Names      []string // [Classes] of the classes: "3" or "Sneaker"
	Images     []uint8  // [Len, Rows, Cols], 0 is the background; perhaps read-only memory
	Labels     []uint8  // [Len]; perhaps read-only memory
}

// Len returns the number of images.
func (s *Set) Len() int { return len(s.Labels) }

// Numbers returns the names of classes that have none of their own: "0", "1", "2" and so on.
func Numbers(classes int) []string {
	names := make([]string, classes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// The four files of a data set, in the order of a Spec's checksums.
var fileNames = [4]string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}

// Load reads a training and a test set from the four files of MNIST's names in dir, all at the same time. A file may be
// gzipped, may end in .gz, and may have a dot where MNIST has the dash before idx. With a spec that is not nil, the
// decompressed files must have its checksums.
//
// Errors name the file: [FormatError], [UnsupportedError], or the file system's.
func Load(dir string, spec *Spec) (train, test *Set, err error) { return load(dir, spec, readFile) }

// load is Load with a way to read a file whose checksum is known, or empty.
func load(dir string, spec *Spec, read func(path, want string) ([]int, []uint8, error)) (train, test *Set, err error) {
	var (
		paths  [4]string
		dims   [4][]int
		values [4][]uint8
		group  errgroup.Group
	)
	for i, name := range fileNames {
		if paths[i], err = findFile(dir, name); err != nil {
			return nil, nil, err
		}
	}
	for i := range fileNames {
		group.Go(func() (err error) {
			want := ""
			if spec != nil {
				want = spec.SHA256[i]
			}
			dims[i], values[i], err = read(paths[i], want)
			return inFile(paths[i], err)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var sets [2]*Set
	for i := range sets {
		sets[i], err = newSet(dims[2*i], values[2*i], paths[2*i], dims[2*i+1], values[2*i+1], paths[2*i+1])
		if err != nil {
			return nil, nil, err
		}
	}
	train, test = sets[0], sets[1]
	if train.Rows != test.Rows || train.Cols != test.Cols {
		return nil, nil, inFile(paths[2], FormatError(fmt.Sprintf("its images are %dx%d and the training images %dx%d", test.Rows, test.Cols, train.Rows, train.Cols)))
	}
	return train, test, nil
}

// findFile returns the path of one of the four files in dir, under any of the names that it goes by.
func findFile(dir, name string) (string, error) {
	dotted := name[:len(name)-len("-idx1-ubyte")] + "." + name[len(name)-len("idx1-ubyte"):]
	for _, n := range []string{name, name + ".gz", dotted, dotted + ".gz"} {
		path := filepath.Join(dir, n)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("dataset: %w", err)
		}
	}
	return "", fmt.Errorf("dataset: %s has no %s or %s.gz: %w", dir, name, name, os.ErrNotExist)
}

// newSet checks that images and labels fit together.
func newSet(imageDims []int, images []uint8, imagesPath string, labelDims []int, labels []uint8, labelsPath string) (*Set, error) {
	if len(imageDims) != 3 {
		return nil, inFile(imagesPath, FormatError(fmt.Sprintf("images have 3 dimensions (images, rows, columns), and its header has %d%s", len(imageDims), swapped(imageDims, 1))))
	}
	if len(labelDims) != 1 {
		return nil, inFile(labelsPath, FormatError(fmt.Sprintf("labels have 1 dimension, and its header has %d%s", len(labelDims), swapped(labelDims, 3))))
	}
	if imageDims[0] == 0 {
		return nil, inFile(imagesPath, FormatError("it has no images"))
	}
	if imageDims[0] != labelDims[0] {
		return nil, inFile(labelsPath, FormatError(fmt.Sprintf("it has %d labels for the %d images of %s", labelDims[0], imageDims[0], filepath.Base(imagesPath))))
	}
	if i := slices.IndexFunc(labels, func(l uint8) bool { return l >= classes }); i >= 0 {
		return nil, inFile(labelsPath, FormatError(fmt.Sprintf("label %d is %d, and labels are 0 to %d", i, labels[i], classes-1)))
	}
	return &Set{Rows: imageDims[1], Cols: imageDims[2], Classes: classes, Names: Numbers(classes), Images: images, Labels: labels}, nil
}

// swapped hints at images and labels given in each other's place.
func swapped(dims []int, of int) string {
	if len(dims) == of {
		return "; are images and labels swapped?"
	}
	return ""
}

// inFile names the file in an error about its content, whose type it keeps.
func inFile(path string, err error) error {
	switch e := err.(type) {
	case FormatError:
		return FormatError(path + ": " + string(e))
	case UnsupportedError:
		return UnsupportedError(path + ": " + string(e))
	case nil:
		return nil
	}
	return fmt.Errorf("dataset: reading %s: %w", path, err)
}
