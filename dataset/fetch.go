package dataset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// CacheDir returns the folder in which lenet keeps downloads: lenet below $XDG_CACHE_HOME, or below ~/.cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "lenet"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("dataset: no folder for downloads, set XDG_CACHE_HOME: %w", err)
	}
	return filepath.Join(home, ".cache", "lenet"), nil
}

// Load returns the training and the test set, and the folder below cache that their files are in. They are fetched unless they are there and right:
// from the first of the spec's sources that has them, or, if mirror is not empty, from that base URL alone. A folder of files appears whole or not
// at all. log is told each source that is tried.
//
// Errors: [FetchError]; the file system's; ctx's.
func (s *Spec) Load(ctx context.Context, cache, mirror string, log func(string)) (train, test *Set, dir string, err error) {
	dir = filepath.Join(cache, "datasets", s.Name)
	var damaged error
	if _, err := os.Stat(dir); err == nil {
		if train, test, damaged = s.load(dir); damaged == nil {
			return train, test, dir, nil
		}
	}
	if isOffline(ctx) {
		return nil, nil, "", &FetchError{s.Name, []error{cmp.Or(damaged, errOffline)}}
	}
	unlock, err := lockFetch(ctx, cache, s.Name, log)
	if err != nil {
		return nil, nil, "", err
	}
	defer unlock()
	if train, test, err = s.load(dir); err == nil { // another process has fetched it
		return train, test, dir, nil
	}
	if damaged != nil {
		log(fmt.Sprintf("the copy of %s in the cache is damaged (%v): it is fetched again", s.Name, damaged))
	}
	if err := s.fetch(ctx, dir, mirror, log); err != nil {
		return nil, nil, "", err
	}
	if train, test, err = s.load(dir); err != nil {
		return nil, nil, "", err
	}
	return train, test, dir, nil
}

// offline is the key of a context in which nothing is fetched.
type offline struct{}

var errOffline = errors.New("it is not in the cache, and nothing is fetched here")

// Offline returns a context in which [Spec.Load] fetches nothing: a set that is not in the cache is a [FetchError].
func Offline(ctx context.Context) context.Context { return context.WithValue(ctx, offline{}, true) }

func isOffline(ctx context.Context) bool { return ctx.Value(offline{}) != nil }

// lockFetch waits until no other process fetches a set. Where the system cannot lock files, it does not wait.
func lockFetch(ctx context.Context, cache, name string, log func(string)) (unlock func(), err error) {
	path := filepath.Join(cache, "locks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	told := false
	for unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK {
		if !told {
			log(fmt.Sprintf("waiting for another process, which fetches %s", name))
			told = true
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return func() { file.Close() }, nil
}

// foundSums are the sums that files were found to have when they were fetched, where the catalogue has none. They are kept beside the files, in
// sumsFile.
type foundSums struct {
	SHA256   [4]string `json:"sha256"`   // of the decompressed files
	Verified bool      `json:"verified"` // the source has verified the files by sums that others have published
}

const sumsFile = "sha256.json"

func readSums(dir string) (sums foundSums, err error) {
	text, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err == nil {
		err = json.Unmarshal(text, &sums)
	}
	if err != nil {
		return sums, fmt.Errorf("dataset: %w", err)
	}
	return sums, nil
}

// Verified says whether the files in a folder of the cache were held against published sums, when they were fetched or since.
func (s *Spec) Verified(dir string) bool {
	sums, err := readSums(dir)
	return s.SHA256 != [4]string{} || err == nil && sums.Verified
}

// load loads the set from a folder of the cache.
func (s *Spec) load(dir string) (train, test *Set, err error) {
	found, err := findFiles(dir, false)
	if err != nil {
		return nil, nil, err
	}
	format := s.Format
	if format.SHA256 == [4]string{} {
		sums, err := readSums(dir)
		if err != nil {
			return nil, nil, err
		}
		format.SHA256 = sums.SHA256
	}
	return format.load(found.paths, readFile)
}

// fetch fetches the files into dir, in place of what is there.
func (s *Spec) fetch(ctx context.Context, dir, mirror string, log func(string)) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, s.Name+".tmp.")
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	defer os.RemoveAll(tmp)

	var failed []error
	for _, source := range sources(s, filepath.Dir(parent), mirror) {
		log(fmt.Sprintf("fetching %s from %s", s.Name, source.name))
		files := filepath.Join(tmp, "files")
		err := errors.Join(os.RemoveAll(files), os.Mkdir(files, 0o777))
		if err == nil {
			err = source.fetch(ctx, tmp, files)
			progressOf(ctx)(0, 0)
		}
		if err == nil {
			err = s.check(files, source.verified, log)
		}
		if err == nil {
			return replaceFolder(dir, files, filepath.Join(tmp, "old"))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		failed = append(failed, fmt.Errorf("from %s: %w", source.name, err))
	}
	return &FetchError{s.Name, failed}
}

// replaceFolder moves the folder with what was fetched to its place, and what was there away.
func replaceFolder(dir, fetched, old string) error {
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := os.Rename(fetched, dir); err != nil {
		_ = os.Rename(old, dir)
		return fmt.Errorf("dataset: %w", err)
	}
	return nil
}

// check decodes the files that were fetched and compares their sha256 with the catalogue's. If the catalogue has none, check writes the files' own
// sums to sumsFile, and tells log what they are unless the source has verified the files by other sums.
func (s *Spec) check(dir string, verified bool, log func(string)) error {
	found, err := findFiles(dir, false)
	if err != nil {
		return err
	}
	if _, _, err := s.Format.load(found.paths, decodePath); err != nil || s.SHA256 != [4]string{} {
		return err
	}
	sums := foundSums{Verified: verified}
	var group errgroup.Group
	for i, path := range found.paths {
		group.Go(func() (err error) {
			sums.SHA256[i], err = sumOf(path)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if !verified {
		for i, path := range found.paths {
			log(fmt.Sprintf("no checksum is known for %s from here; its sha256, decompressed, is %s", strings.TrimSuffix(filepath.Base(path), ".gz"), sums.SHA256[i]))
		}
	}
	text, err := json.Marshal(sums)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), text, 0o666)
}

// A FetchError says why no source of a data set would do.
type FetchError struct {
	Name   string
	Causes []error // one for each source that was tried
}

func (e *FetchError) Error() string {
	var causes []string
	for _, c := range e.Causes {
		causes = append(causes, strings.Join(strings.Fields(c.Error()), " "))
	}
	return fmt.Sprintf("dataset: cannot fetch %s (%s)", e.Name, strings.Join(causes, "; "))
}

func (e *FetchError) Unwrap() []error { return e.Causes }
