package dataset

import (
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// A Set is a sequence of images of one size, with a label each.
type Set struct {
	Rows, Cols int      // pixels
	Classes    int      // labels are 0 to Classes - 1
	Names      []string // [Classes] of the classes: "3" or "Sneaker"
	First      int      // the label of the first class in the files that the set comes from: 0 or 1
	Images     []uint8  // [Len, Rows, Cols], 0 is the background; perhaps read-only memory
	Whole      bool     // they are pictures that were scaled as wholes
	Light      bool     // they are pictures that were dark on light, and were inverted
	Labels     []uint8  // [Len]; perhaps read-only memory
}

// Len returns the number of images.
func (s *Set) Len() int { return len(s.Labels) }

// LargestShare returns the share of the images that are of the most frequent class, 0 to 1.
func (s *Set) LargestShare() float64 {
	return float64(slices.Max(s.counts())) / float64(s.Len())
}

// counts returns the number of images of each class.
func (s *Set) counts() []int {
	counts := make([]int, s.Classes)
	for _, label := range s.Labels {
		counts[label]++
	}
	return counts
}

// Numbers returns the names of classes that have none of their own: "0", "1", "2" and so on.
func Numbers(classes int) []string {
	names := make([]string, classes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// Relabelled returns the set with its labels as indices into the names of other classes, such as those of a network. first is the label that the first
// of these has in the files that they come from. Classes are matched by their names. A set without names is matched by its labels; names that
// are numbers take the classes of another set in their order, which log is told.
//
// Errors: a class that is none of those.
func (s *Set) Relabelled(names []string, first int, log func(string)) (*Set, error) {
	if slices.Equal(s.Names, names) {
		return s, nil
	}
	find := func(i int) int { return slices.Index(names, s.Names[i]) }
	switch ours, theirs := Numbered(s.Names), Numbered(names); {
	case ours && !theirs:
		find = func(i int) int {
			label, _ := strconv.Atoi(s.Names[i])
			if at := label - first; at < len(names) {
				return at
			}
			return -1
		}
	case theirs && !ours && s.Classes == len(names):
		log(fmt.Sprintf("the network has no names for its %d classes: the set's, %s, are taken for them in this order", len(names), strings.Join(s.Names, ", ")))
		return s, nil
	}
	index := make([]uint8, s.Classes)
	for i := range index {
		at := find(i)
		if at < 0 {
			return nil, fmt.Errorf("dataset: the set has a class %q, and the network knows %s", s.Names[i], strings.Join(names, ", "))
		}
		index[i] = uint8(at)
	}
	other := *s
	other.Classes, other.Names = len(names), names
	other.Labels = make([]uint8, s.Len())
	for i, label := range s.Labels {
		other.Labels[i] = index[label]
	}
	return &other, nil
}

// Numbered reports whether classes have no names but consecutive numbers.
func Numbered(names []string) bool {
	first, err := strconv.Atoi(names[0])
	for i, name := range names {
		if err != nil || name != strconv.Itoa(first+i) {
			return false
		}
	}
	return true
}

// A Format says how to read a set's files.
type Format struct {
	SHA256    [4]string // of the decompressed files, in the order train images, train labels, test images, test labels; empty: any
	Transpose bool      // the images are stored column by column, as EMNIST's are
	Classes   []string  // names of the classes; nil: they have none but their numbers
}

// Load reads a training and a test set from four IDX files in dir, or in a folder below it, all at the same time. A file may be gzipped. It is found under
// MNIST's name, with or without .gz, with dots for dashes, and with the name of a set before it, as in emnist-letters-train-images-idx3-ubyte.gz.
//
// Labels are uint8, or other integers, of which a row an image may be given (QMNIST). They begin at 0 or 1; their largest one, or the number
// of names, says how many classes there are: 2 to 256.
//
// Errors name the file: [FormatError], [UnsupportedError], or the file system's.
func Load(dir string, f Format) (train, test *Set, err error) {
	found, err := findFiles(dir, false)
	if err != nil {
		return nil, nil, err
	}
	return f.load(found.paths, readFile)
}

// A readFunc reads a file that has the sha256 that is wanted, or any if that is empty.
type readFunc func(path, want string, transpose bool) (*idxFile, error)

func (f Format) load(paths [4]string, read readFunc) (train, test *Set, err error) {
	var files [4]*idxFile
	var group errgroup.Group
	for i := range files {
		group.Go(func() (err error) {
			images := i%2 == 0
			files[i], err = read(paths[i], f.SHA256[i], f.Transpose && images)
			return inFile(paths[i], err)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var labels [2]*labelFile
	for i := range labels {
		if err := checkImages(files[2*i], files[2*i+1]); err != nil {
			return nil, nil, err
		}
		if labels[i], err = newLabelFile(files[2*i+1]); err != nil {
			return nil, nil, err
		}
		if images, n := files[2*i], labels[i].len(); images.Dims[0] != n {
			return nil, nil, inFile(labels[i].path, FormatError(fmt.Sprintf("it has %d labels for the %d images of %s", n, images.Dims[0], filepath.Base(images.path))))
		}
	}
	first, names, err := numbering(labels[0], labels[1], f.Classes)
	if err != nil {
		return nil, nil, err
	}
	var sets [2]*Set
	for i := range sets {
		rows, cols := files[2*i].imageSize()
		sets[i] = &Set{Rows: rows, Cols: cols, Classes: len(names), Names: names, First: first, Images: files[2*i].elements, Labels: labels[i].classes(first)}
	}
	train, test = sets[0], sets[1]
	if train.Rows != test.Rows || train.Cols != test.Cols {
		return nil, nil, inFile(paths[2], FormatError(fmt.Sprintf("its images are %dx%d and the training images %dx%d", test.Rows, test.Cols, train.Rows, train.Cols)))
	}
	return train, test, nil
}

// checkImages checks that a file holds images.
func checkImages(f, labels *idxFile) error {
	hint := swapped(f.Dims, 1)
	if len(f.Dims) == 2 && len(labels.Dims) == 3 {
		hint = swapped(labels.Dims, 3)
	}
	err := f.checkImageSize()
	if e, ok := err.(FormatError); ok {
		err = e + FormatError(hint)
	}
	switch {
	case err != nil:
		return inFile(f.path, err)
	case f.Type != Uint8:
		return inFile(f.path, UnsupportedError(fmt.Sprintf("its elements are %v, and uint8 is what can be trained on", f.Type)))
	case f.Dims[0] == 0:
		return inFile(f.path, FormatError("it has no images"))
	}
	return nil
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

// checksummed is how many of a set's images go into its checksum, or twice as many: all would take a second for a set of gigabytes.
const checksummed = 1000

// Checksum tells sets apart: it is a CRC-32 of the sizes, of all labels, and of one to two thousand of the images.
func (s *Set) Checksum() uint32 {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli)) // whose Write has no errors
	fmt.Fprint(sum, s.Rows, s.Cols, s.Len(), s.Classes)
	sum.Write(s.Labels)
	size := s.Rows * s.Cols
	for i := 0; i < s.Len(); i += max(1, s.Len()/checksummed) {
		sum.Write(s.Images[i*size:][:size])
	}
	return sum.Sum32()
}
