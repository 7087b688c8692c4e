package dataset

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"lenet/picture"
)

// Folders of pictures: one folder for each class, below a folder of training and one of test pictures, or all in one.

// splitNames match the names of folders of training and of test pictures. Of several for test pictures, the first one by name is taken.
var splitNames = [2]*regexp.Regexp{
	regexp.MustCompile(`(?i)^train(ing)?[-_ ]?(set|images?|pictures?|data)?$`),
	regexp.MustCompile(`(?i)^(test(ing)?|t10k|val(id|idation)?|eval(uation)?|dev)[-_ ]?(set|images?|pictures?|data)?$`),
}

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

// roots returns the folders with the classes' folders of training and of test pictures; the second is empty where there is none. A folder without
// folders in it, as of a class that is called test, is neither.
func (f *pictureFolder) roots() (roots [2]string, err error) {
	folders, err := foldersIn(f.dir)
	if err != nil {
		return roots, err
	}
	for i, name := range splitNames {
		for _, folder := range folders {
			below, err := foldersIn(filepath.Join(f.dir, folder))
			if err == nil && roots[i] == "" && len(below) > 0 && name.MatchString(folder) {
				if roots[i], err = innermost(filepath.Join(f.dir, folder)); err != nil {
					return roots, err
				}
			}
		}
	}
	switch {
	case roots[0] == "" && roots[1] != "" && f.testOnly:
		roots[0] = roots[1]
	case roots[0] == "" && roots[1] != "":
		return roots, fmt.Errorf("dataset: %s has test pictures, in %s, and no folder of training pictures", f.dir, filepath.Base(roots[1]))
	case roots[0] == "":
		roots[0] = f.dir
	}
	return roots, nil
}

// check checks that the folders of pictures are classes.
func (f *pictureFolder) check(root string, pictures map[string][]string) error {
	switch n := len(f.names); {
	case n < 2:
		return fmt.Errorf("dataset: %s has pictures of %s alone; put those of each class into a folder of their own, two or more beside each other", root, f.names[0])
	case n > maxClasses:
		return fmt.Errorf("dataset: %s has %d folders of pictures, and there can be %d classes", root, n, maxClasses)
	}
	var first []string
	for _, name := range f.names { // that hold the same folders are no classes
		below, err := foldersIn(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if len(below) < 2 || first != nil && !slices.Equal(below, first) {
			return nil
		}
		first = below
	}
	return fmt.Errorf("dataset: each of %s in %s holds the folders %s; name those of training and of test pictures train and test, or give one of them",
		strings.Join(f.names, ", "), root, strings.Join(first, ", "))
}

// fold returns what is the same of names that differ in upper and lower case alone, or in how accents are composed.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// foldersIn returns the names of the folders in a folder, in order, but for the system's.
func foldersIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.IsDir() && !hidden(e.Name()) { // through links
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// innermost returns dir, or, where it holds one folder alone, as an unpacked archive does, that folder, if there are folders in it.
func innermost(dir string) (string, error) {
	for {
		folders, err := foldersIn(dir)
		if err != nil || len(folders) != 1 {
			return dir, err
		}
		for _, split := range splitNames {
			if split.MatchString(folders[0]) && !split.MatchString(filepath.Base(dir)) {
				return dir, nil
			}
		}
		inner := filepath.Join(dir, folders[0])
		below, err := foldersIn(inner)
		if err != nil || len(below) == 0 {
			return dir, err
		}
		dir = inner
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
	folders, err := foldersIn(root)
	if err != nil {
		return nil, err
	}
	for _, name := range folders {
		class := filepath.Join(root, name) + string(filepath.Separator) // through links
		err = filepath.WalkDir(class, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case hidden(d.Name()) && d.IsDir() && path != class:
				return fs.SkipDir
			case !d.IsDir() && !hidden(d.Name()) && picture.Named(path):
				all[name] = append(all[name], path)
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
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"}, name)
}

// load returns the sets, prepared as [preparePictures] says.
func (f *pictureFolder) load(ctx context.Context) (train, test *Set, err error) {
	all := slices.Concat(f.splits[0], f.splits[1])
	prepared, err := f.prepared(ctx, all)
	if err != nil {
		return nil, nil, err
	}
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
	for class, name := range f.names {
		if !slices.Contains(set.Labels, uint8(class)) {
			return nil, nil, fmt.Errorf("dataset: none of the pictures of %s in %s can be used", name, f.dir)
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
