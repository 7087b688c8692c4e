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

// findFiles returns the four files of the set in dir, or in a folder below it. Where dir is no folder, its last element is what the names begin
// with: of the files in gzip/, gzip/emnist-letters means those of that set.
//
// Errors: [fs.ErrNotExist], with what was found instead; an [option.Error] where several sets were found.
func findFiles(dir string) (*group, error) {
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
		var whole []*group
		var below []string
		for _, folder := range folders {
			groups, folders, err := groupsIn(folder)
			if err != nil {
				return nil, err
			}
			below = append(below, folders...)
			for _, g := range groups {
				if wanted != "" && g.prefix != wanted {
					continue
				}
				found = append(found, g)
				if g.whole() {
					whole = append(whole, g)
				}
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
	var names []string
	for _, g := range groups {
		names = append(names, filepath.Join(g.dir, g.prefix))
	}
	return option.Errorf("data", "%s holds several sets; give one of %s", dir, option.List(names))
}

// missing says which files a set lacks, and what was found instead.
func missing(dir, prefix string, found []*group) error {
	if prefix != "" && len(found) == 0 {
		return fmt.Errorf("dataset: there is no folder %s: %w", filepath.Join(dir, prefix), fs.ErrNotExist)
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
	holds := strings.Join(has, ", ")
	return fmt.Errorf("dataset: %s has no %s; it holds %s: %w", dir, option.List(lacks), cmp.Or(holds, "nothing"), os.ErrNotExist)
}
