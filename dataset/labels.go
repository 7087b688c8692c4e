package dataset

import (
	"encoding/binary"
	"fmt"
)

// maxClasses is how many classes the labels of a set, which are bytes, can tell apart.
const maxClasses = 256

// A labelFile is a file of labels: integers, one an image or, as in QMNIST's, a row of them an image, of which the first one is the label.
type labelFile struct {
	*idxFile
	columns  int
	min, max int
}

// newLabelFile checks that a file holds labels.
func newLabelFile(f *idxFile) (*labelFile, error) {
	l := &labelFile{idxFile: f, columns: 1}
	switch {
	case f.Type == Float32 || f.Type == Float64:
		return nil, inFile(f.path, UnsupportedError(fmt.Sprintf("its elements are %v, and labels are integers", f.Type)))
	case len(f.Dims) == 2:
		l.columns = f.Dims[1]
	case len(f.Dims) != 1:
		return nil, inFile(f.path, FormatError(fmt.Sprintf("labels have 1 dimension, and its header has %d%s", len(f.Dims), swapped(f.Dims, 3))))
	}
	if l.len() == 0 || l.columns == 0 {
		return nil, inFile(f.path, FormatError("it has no labels"))
	}
	if l.columns > 1 && l.oneHot() {
		return nil, inFile(f.path, UnsupportedError(fmt.Sprintf("its labels are one-hot rows of %d; give one number an image", l.columns)))
	}
	l.min, l.max = l.at(0), l.at(0)
	for i := range l.len() {
		v := l.at(i)
		if v < 0 || v > maxClasses {
			return nil, inFile(f.path, FormatError(fmt.Sprintf("label %d is %d, and labels are 0 to %d, or 1 to %d", i, v, maxClasses-1, maxClasses)))
		}
		l.min, l.max = min(l.min, v), max(l.max, v)
	}
	return l, nil
}

func (l *labelFile) len() int { return l.Dims[0] }

// at returns an image's label.
func (l *labelFile) at(i int) int { return l.element(i * l.columns) }

func (l *labelFile) element(i int) int {
	size := l.Type.Size()
	b := l.elements[i*size:][:size]
	switch l.Type {
	case Int8:
		return int(int8(b[0]))
	case Int16:
		return int(int16(binary.BigEndian.Uint16(b)))
	case Int32:
		return int(int32(binary.BigEndian.Uint32(b)))
	}
	return int(b[0])
}

// oneHot says whether each row has a single 1 among zeros.
func (l *labelFile) oneHot() bool {
	for i := range l.len() {
		ones := 0
		for column := range l.columns {
			switch l.element(i*l.columns + column) {
			case 0:
			case 1:
				ones++
			default:
				return false
			}
		}
		if ones != 1 {
			return false
		}
	}
	return true
}

// classes returns the classes of labels that begin at first: the file's own bytes, where these are the same.
func (l *labelFile) classes(first int) []uint8 {
	if l.Type == Uint8 && l.columns == 1 && first == 0 {
		return l.elements
	}
	classes := make([]uint8, l.len())
	for i := range classes {
		classes[i] = uint8(l.at(i) - first)
	}
	return classes
}

// numbering returns the label of the first class, and the names of all classes, of a set with these labels. They begin at 0 or, as those of EMNIST's
// letters, at 1. Where the names are known, and there are as many as the largest label says, they begin at 1; there may be more names than labels.
func numbering(training, test *labelFile, known []string) (first int, names []string, err error) {
	lowest, highest := min(training.min, test.min), max(training.max, test.max)
	if lowest == 1 && (len(known) == 0 || len(known) == highest) {
		first = 1
	}
	n := highest - first + 1
	switch {
	case n > maxClasses:
		return 0, nil, inFile(training.path, FormatError(fmt.Sprintf("labels are %d to %d: there can be %d classes", lowest, highest, maxClasses)))
	case len(known) >= n:
		return first, known, nil
	case len(known) > 0:
		return 0, nil, inFile(training.path, FormatError(fmt.Sprintf("labels are %d to %d, and there are %d names of classes", first, highest, len(known))))
	case n < 2:
		return 0, nil, inFile(training.path, FormatError(fmt.Sprintf("all labels are %d, and there must be two classes", highest)))
	}
	return first, Numbers(highest + 1)[first:], nil
}
