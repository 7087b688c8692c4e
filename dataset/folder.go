package dataset

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lenet/picture"
)

// Folders of pictures: one folder for each class, below a folder of training and one of test pictures, or all in one.

// splitNames are the names of folders of training and of test pictures. Of several for test pictures, the first one is taken.
var splitNames = [2][]string{{"train", "training"}, {"test", "testing", "t10k", "val", "valid", "validation"}}

// testShare is how many pictures there are for each one that is set aside to test with, where there is no folder of test pictures. As in MNIST.
const testShare = 7

// A pictureFolder is the pictures of a set: files and their classes, in order.
type pictureFolder struct {
	dir    string
	names  []string
	splits [2][]labelledFile // training, test; the second is nil: to be split off
	log    func(string)
}

type labelledFile struct {
	path  string
	class int
}

// findPictures returns the pictures in dir, or nil where it holds no folders of pictures.
func findPictures(dir string, log func(string)) (*pictureFolder, error) {
	dir, entries, err := innermost(dir)
	if err != nil {
		return nil, err
	}
	f := &pictureFolder{dir: dir, log: log}
	roots := [2]string{dir}
	for i, names := range splitNames {
		for _, name := range names {
			at := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return strings.EqualFold(e.Name(), name) })
			if at >= 0 {
				roots[i] = filepath.Join(dir, entries[at].Name())
				break
			}
		}
	}
	if roots[0] == dir && roots[1] != "" {
		return nil, nil // test pictures alone
	}
	byClass := [2]map[string][]string{}
	classes := map[string]bool{}
	for i, root := range roots {
		if root == "" {
			continue
		}
		if byClass[i], err = picturesByClass(root); err != nil {
			return nil, err
		}
		for name := range byClass[i] {
			classes[name] = true
		}
	}
	if len(classes) == 0 {
		return nil, nil
	}
	for name := range classes {
		f.names = append(f.names, name)
	}
	slices.SortFunc(f.names, natural)
	for i := range roots {
		for class, name := range f.names {
			paths := byClass[i][name]
			if len(paths) == 0 && i == 0 {
				return nil, fmt.Errorf("dataset: %s has no pictures of %s, which %s has", roots[0], name, roots[1])
			}
			for _, path := range paths {
				f.splits[i] = append(f.splits[i], labelledFile{path, class})
			}
		}
	}
	switch n := len(f.names); {
	case n < 2:
		return nil, fmt.Errorf("dataset: %s has pictures of %s alone; put those of each class into a folder of their own, two or more beside each other", roots[0], f.names[0])
	case n > maxClasses:
		return nil, fmt.Errorf("dataset: %s has %d folders of pictures, and there can be %d classes", roots[0], n, maxClasses)
	}
	return f, nil
}

// innermost returns dir, or, where all that it holds is one folder, as an unpacked archive does, that folder; and what is in it.
func innermost(dir string) (string, []fs.DirEntry, error) {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return "", nil, fmt.Errorf("dataset: %w", err)
		}
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return hidden(e.Name()) })
		if len(entries) != 1 || !entries[0].IsDir() || slices.Contains(slices.Concat(splitNames[0], splitNames[1]), strings.ToLower(entries[0].Name())) {
			return dir, entries, nil
		}
		below, err := os.ReadDir(filepath.Join(dir, entries[0].Name()))
		if err != nil || !slices.ContainsFunc(below, fs.DirEntry.IsDir) {
			return dir, entries, nil
		}
		dir = filepath.Join(dir, entries[0].Name())
	}
}

// natural orders names: numbers first, by their value, so 9 is before 10.
func natural(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil:
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
}

// picturesByClass returns the paths of the pictures in each folder of root, and below it, in the order of their names.
func picturesByClass(root string) (map[string][]string, error) {
	all := map[string][]string{}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	for _, e := range entries {
		class := filepath.Join(root, e.Name())
		info, err := os.Stat(class) // through links
		if err != nil || !info.IsDir() || hidden(e.Name()) {
			continue
		}
		err = filepath.WalkDir(class+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case hidden(d.Name()) && d.IsDir() && path != class+string(filepath.Separator):
				return fs.SkipDir
			case !d.IsDir() && !hidden(d.Name()) && picture.Named(path):
				all[e.Name()] = append(all[e.Name()], path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
	}
	return all, nil
}

// hidden says whether a file or folder is the system's, and not the user's.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX"
}

// load returns the sets, prepared as [preparePictures] says.
func (f *pictureFolder) load(ctx context.Context) (train, test *Set, err error) {
	all := slices.Concat(f.splits[0], f.splits[1])
	prepared, err := f.prepared(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	set := &Set{Rows: prepared.Rows, Cols: prepared.Cols, Classes: len(f.names), Names: f.names, Images: prepared.images}
	training := 0 // of them
	for _, i := range prepared.Kept {
		set.Labels = append(set.Labels, uint8(all[i].class))
		if i < len(f.splits[0]) {
			training++
		}
	}
	f.tellLeftOut(all, prepared)
	if f.splits[1] != nil {
		train, test = set.part(0, training), set.part(training, set.Len())
	} else if train, test, err = f.split(set); err != nil {
		return nil, nil, err
	}
	for i, s := range []*Set{train, test} {
		if s.Len() == 0 {
			return nil, nil, fmt.Errorf("dataset: %s has no %s pictures that can be read", f.dir, []string{"training", "test"}[i])
		}
	}
	return train, test, nil
}

// split sets pictures aside to test with.
func (f *pictureFolder) split(set *Set) (train, test *Set, err error) {
	n := set.Len() / testShare
	if n == 0 {
		return nil, nil, fmt.Errorf("dataset: %s has %d pictures, too few to set some aside to test with", f.dir, set.Len())
	}
	training, testing, err := Split(set, n, splitSeed)
	if err != nil {
		return nil, nil, err
	}
	f.log(fmt.Sprintf("%s has no folder of test pictures: %d of its %d, the same share of each class, are set aside to test with", f.dir, n, set.Len()))
	return set.only(training), set.only(testing), nil
}

// tellLeftOut says which pictures cannot be used.
func (f *pictureFolder) tellLeftOut(all []labelledFile, p *preparedPictures) {
	const told = 3
	for i, left := range p.LeftOut {
		if i == told && len(p.LeftOut) > told+1 {
			f.log(fmt.Sprintf("%d more of the %d pictures are left out", len(p.LeftOut)-told, len(all)))
			return
		}
		f.log(left + "; the picture is left out")
	}
}

// part returns the images from one index up to another.
func (s *Set) part(from, to int) *Set {
	other := *s
	size := s.Rows * s.Cols
	other.Images, other.Labels = s.Images[from*size:to*size], s.Labels[from:to]
	return &other
}

// only returns a copy of some images, by their indices.
func (s *Set) only(indices []uint32) *Set {
	other := *s
	other.Images, other.Labels = nil, nil
	size := s.Rows * s.Cols
	for _, i := range indices {
		other.Images = append(other.Images, s.Images[int(i)*size:][:size]...)
		other.Labels = append(other.Labels, s.Labels[i])
	}
	return &other
}
