package dataset

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Folders of pictures: one folder for each class, below a folder of training and one of test pictures, or all in one.

// testShare is how many pictures there are for each test picture, if some have to be set aside because there is no folder of test pictures. MNIST has
// the same share.
const testShare = 7

// A pictureFolder is the pictures of a set: files and their classes, in order.
type pictureFolder struct {
	dir      string
	testOnly bool // training pictures may be missing
	names    []string
	splits   [2][]labelledFile // training, test; the second is nil: to be split off
	log      func(string)
}

type labelledFile struct {
	path  string
	class int
}

// findPictures returns the pictures in dir, or nil where it holds no folders of pictures.
func findPictures(dir string, testOnly bool, log func(string)) (*pictureFolder, error) {
	dir, err := innermost(dir)
	if err != nil {
		return nil, err
	}
	f := &pictureFolder{dir: dir, testOnly: testOnly, log: log}
	roots, err := f.roots()
	if err != nil {
		return nil, err
	}
	var byClass [2]map[string][]string
	for i, root := range roots {
		if root == "" {
			continue
		}
		if byClass[i], err = picturesByClass(root); err != nil {
			return nil, err
		}
	}
	if len(byClass[0]) == 0 {
		return nil, nil
	}
	f.names = slices.SortedFunc(maps.Keys(byClass[0]), natural)
	if err := f.check(roots[0], byClass[0]); err != nil {
		return nil, err
	}
	class := map[string]int{} // by the folded name
	for i, name := range f.names {
		class[fold(name)] = i
	}
	for i, pictures := range byClass {
		for _, name := range slices.SortedFunc(maps.Keys(pictures), natural) {
			at, known := class[fold(name)]
			if !known && splitNames[i].MatchString(name) { // a folder of pictures whose classes are not given
				continue
			}
			if !known {
				return nil, fmt.Errorf("dataset: %s has no pictures of %s, which %s has", roots[0], name, roots[1])
			}
			for _, path := range pictures[name] {
				f.splits[i] = append(f.splits[i], labelledFile{path, at})
			}
		}
	}
	if roots[1] != "" && f.splits[1] == nil {
		log(fmt.Sprintf("%s has no folders of pictures, and is not used", roots[1]))
	}
	return f, nil
}

// load returns the sets, prepared as [preparePictures] says.
func (f *pictureFolder) load(ctx context.Context) (train, test *Set, err error) {
	all := slices.Concat(f.splits[0], f.splits[1])
	prepared, err := f.prepared(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	return f.sets(all, prepared)
}

// sets returns the sets of what all of the pictures became.
func (f *pictureFolder) sets(all []labelledFile, prepared *preparedPictures) (train, test *Set, err error) {
	set := &Set{
		Rows: prepared.Rows, Cols: prepared.Cols, Classes: len(f.names), Names: f.names, Images: prepared.images,
		Whole: prepared.Whole, Light: prepared.Light,
	}
	if prepared.Whole {
		f.log(fmt.Sprintf("many pictures in %s show no single digit: all of them are scaled to %dx%d as wholes", f.dir, set.Rows, set.Cols))
	}
	training := 0 // of them
	for _, i := range prepared.Kept {
		set.Labels = append(set.Labels, uint8(all[i].class))
		if i < len(f.splits[0]) {
			training++
		}
	}
	f.tellLeftOut(all, prepared)
	for class, n := range set.counts() {
		if n == 0 {
			return nil, nil, fmt.Errorf("dataset: none of the pictures of %s in %s can be used", f.names[class], f.dir)
		}
	}
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
	n := max(1, set.Len()/testShare)
	if set.Len() <= set.Classes {
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
