package dataset

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"lenet/picture"
)

// How the folders of a set of pictures are found.

// splitNames match the names of folders of training and of test pictures. Of several for test pictures, the first one by name is taken.
var splitNames = [2]*regexp.Regexp{
	regexp.MustCompile(`(?i)^train(ing)?[-_ ]?(set|images?|pictures?|data)?$`),
	regexp.MustCompile(`(?i)^(test(ing)?|t10k|val(id|idation)?|eval(uation)?|dev)[-_ ]?(set|images?|pictures?|data)?$`),
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
