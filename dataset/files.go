package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lenet/option"
	"lenet/picture"
)

// The four files of a set, in the order of a Spec's checksums: what they are, and MNIST's names for them.
var (
	fileRoles = [4]string{"training images", "training labels", "test images", "test labels"}
	fileNames = [4]string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}
)

// fileName matches the names that the files go by: MNIST's, with dots for dashes, with a set's name before them (EMNIST, QMNIST), gzipped or not,
// and numbered by a browser that had one before.
var fileName = regexp.MustCompile(`(?i)^(?:(.*)[-_. ])?(train|training|t10k|test|testing|val|valid|validation)[-_. ]?(images|labels)` +
	`(?:[-_. ]?idx\d?)?(?:[-_. ](?:ubyte|int|uint8))?(?: ?\(\d+\)|-\d)?(?:\.idx|\.bin)?(?:\.gz)?(?: ?\(\d+\)|\.\d)?$`)

// searchDepth is how far below a folder the files of a set are looked for: torchvision has them in MNIST/raw.
const searchDepth = 2

// A group is the files of one set in one folder.
type group struct {
	dir, prefix string // prefix: what stands before "train" in the names, in lower case
	paths       [4]string
	names       []string // of all files that look like the set's
}

func (g *group) whole() bool { return !slices.Contains(g.paths[:], "") }

// join adds the files of a group that has what this one lacks.
func (g *group) join(other *group) {
	for i, path := range other.paths {
		if g.paths[i] != "" && path != "" {
			return
		}
	}
	for i, path := range other.paths {
		if path != "" {
			g.paths[i] = path
		}
	}
	g.dir, g.names = filepath.Dir(g.dir), append(g.names, other.names...)
}

// findFiles returns the four files of the set in dir, or in a folder below it. Where dir is no folder, its last element is what the names begin
// with: of the files in gzip/, gzip/emnist-letters means those of that set.
//
// With testOnly, the files of the training set may be missing: those of the test set stand for them.
//
// Errors: [fs.ErrNotExist], with what was found instead; an [option.Error] where several sets were found.
func findFiles(dir string, testOnly bool) (*group, error) {
	dir = filepath.Clean(dir)
	wanted := ""
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if parent, statErr := os.Stat(filepath.Dir(dir)); statErr == nil && parent.IsDir() {
			dir, wanted, err = filepath.Dir(dir), strings.ToLower(filepath.Base(dir)), nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if wanted == "" && !info.IsDir() {
		return nil, fmt.Errorf("dataset: %s is a file, and not a folder with a set", dir)
	}
	var found []*group // whole or not
	folders := []string{dir}
	for depth := 0; depth <= searchDepth; depth++ {
		var whole, parts []*group
		var below []string
		for _, folder := range folders {
			groups, folders, err := groupsIn(folder)
			if err != nil && depth > 0 { // it is not for us, or gone
				continue
			}
			if err != nil {
				return nil, err
			}
			if wanted == "" { // names that begin with it are in one folder
				below = append(below, folders...)
			}
			for _, g := range groups {
				if wanted != "" && g.prefix != wanted {
					continue
				}
				found = append(found, g)
				if testOnly && g.paths[0] == "" && g.paths[1] == "" {
					g.paths[0], g.paths[1] = g.paths[2], g.paths[3]
				}
				if g.whole() {
					whole = append(whole, g)
				} else {
					parts = append(parts, g)
				}
			}
		}
		if len(whole) == 0 && len(parts) == 2 && parts[0].prefix == parts[1].prefix { // in folders train and test
			if parts[0].join(parts[1]); parts[0].whole() {
				whole = parts[:1]
			}
		}
		if len(whole) == 1 || len(whole) > 1 && depth == 0 && whole[0].prefix == "" {
			return whole[0], nil
		}
		if len(whole) > 1 {
			return nil, severalSets(dir, whole)
		}
		folders = below
	}
	return nil, missing(dir, wanted, found)
}

// groupsIn returns the groups of files in a folder, the one without a prefix first, and the folders in it.
func groupsIn(dir string) (groups []*group, folders []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: %w", err)
	}
	byPrefix := map[string]*group{}
	add := func(path, name string) {
		match := fileName.FindStringSubmatch(name)
		if match == nil {
			return
		}
		prefix := strings.ToLower(match[1])
		g := byPrefix[prefix]
		if g == nil {
			g = &group{dir: dir, prefix: prefix}
			byPrefix[prefix] = g
		}
		role := 0
		if !strings.HasPrefix(strings.ToLower(match[2]), "train") {
			role = 2
		}
		if strings.EqualFold(match[3], "labels") {
			role++
		}
		g.names = append(g.names, name)
		if g.paths[role] == "" || preference(name) < preference(filepath.Base(g.paths[role])) {
			g.paths[role] = path
		}
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // through links
		if err != nil {
			continue
		}
		if !info.IsDir() {
			add(path, e.Name())
			continue
		}
		folders = append(folders, path)
		if fileName.MatchString(e.Name()) { // an unpacked archive: the file is in a folder of its name
			inside, _ := os.ReadDir(path)
			for _, f := range inside {
				if !f.IsDir() {
					add(filepath.Join(path, f.Name()), f.Name())
				}
			}
		}
	}
	for _, g := range byPrefix {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.prefix, b.prefix) })
	return groups, folders, nil
}

// preference orders the names of files for the same role: MNIST's own first, then its gzipped ones, then any.
func preference(name string) int {
	switch plain, zipped := strings.CutSuffix(name, ".gz"); {
	case slices.Contains(fileNames[:], name):
		return 0
	case zipped && slices.Contains(fileNames[:], plain):
		return 1
	case strings.Contains(name, "("):
		return 4
	case strings.Contains(name, "val"):
		return 3
	}
	return 2
}

func severalSets(dir string, groups []*group) error {
	return option.Errorf("data", "%s holds several sets; give one of %s", dir, severalNames(groups))
}

func severalNames(groups []*group) string {
	var names []string
	for _, g := range groups {
		names = append(names, filepath.Join(g.dir, g.prefix))
	}
	return option.List(names)
}

// otherFormats are the endings of files that other programs read.
var otherFormats = []string{".npz", ".npy", ".csv", ".parquet", ".mat"}

// A notThere is an error that is [fs.ErrNotExist], and says so in its own words.
type notThere string

func (e notThere) Error() string        { return string(e) }
func (e notThere) Is(target error) bool { return target == fs.ErrNotExist }

// missing says which files a set lacks, and what was found instead.
func missing(dir, prefix string, found []*group) error {
	if prefix != "" && len(found) == 0 {
		path, there := filepath.Join(dir, prefix), ""
		if groups, _, err := groupsIn(dir); err == nil && len(groups) > 0 {
			there = "; the sets there are " + severalNames(groups)
		}
		return notThere(fmt.Sprintf("dataset: there is no folder %s%s", path, there))
	}
	var lacks, has []string
	if len(found) > 0 {
		best := slices.MaxFunc(found, func(a, b *group) int { return cmp.Compare(len(a.names), len(b.names)) })
		for i, path := range best.paths {
			if path == "" {
				lacks = append(lacks, fileRoles[i]+" ("+fileNames[i]+")")
			}
		}
		has, dir = best.names, best.dir
	} else {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			has = append(has, e.Name())
		}
		lacks = []string{"four IDX files", "folders of pictures"}
	}
	const most = 8
	if len(has) > most {
		has = append(has[:most:most], fmt.Sprintf("%d more", len(has)-most))
	}
	holds, other := strings.Join(has, ", "), ""
	if slices.ContainsFunc(has, func(name string) bool { return slices.Contains(otherFormats, strings.ToLower(filepath.Ext(name))) }) {
		other = "; " + option.List(otherFormats) + " files are not read: write their images as pictures, or as IDX files"
	}
	if len(found) == 0 && slices.ContainsFunc(has, picture.Named) {
		other = "; put the pictures of each class into a folder of its own"
	}
	return notThere(fmt.Sprintf("dataset: %s has no %s; it holds %s%s", dir, option.List(lacks), cmp.Or(holds, "nothing"), other))
}
