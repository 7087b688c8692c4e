package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
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

// Fetch returns a folder with the four files of spec, fit for [Load]. Unless the folder is below cache already, it is fetched
// from the first of the spec's sources that has it, or, if mirror is not empty, from that base URL alone. The files are
// checked, and the folder appears whole or not at all. log is told each source that is tried.
func Fetch(ctx context.Context, spec *Spec, cache, mirror string, log func(string)) (string, error) {
	dir := filepath.Join(cache, "datasets", spec.Name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", fmt.Errorf("dataset: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, spec.Name+".tmp.")
	if err != nil {
		return "", fmt.Errorf("dataset: %w", err)
	}
	defer os.RemoveAll(tmp)

	var failed []error
	for _, s := range sources(spec, mirror) {
		log(fmt.Sprintf("fetching %s from %s", spec.Name, s.name))
		files := filepath.Join(tmp, "files")
		err := errors.Join(os.RemoveAll(files), os.Mkdir(files, 0o777))
		if err == nil {
			err = s.fetch(ctx, tmp, files)
		}
		if err == nil {
			_, _, err = load(files, spec, decodePath) // nothing of it is kept
		}
		if err == nil {
			if err := os.Rename(files, dir); err != nil && !errors.Is(err, os.ErrExist) { // another process may have been faster
				return "", fmt.Errorf("dataset: %w", err)
			}
			return dir, nil
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		failed = append(failed, fmt.Errorf("from %s: %w", s.name, err))
	}
	return "", &FetchError{spec.Name, failed}
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

// A source puts the four files, gzipped or not, into the folder files. It may leave anything else in tmp.
type source struct {
	name  string
	fetch func(ctx context.Context, tmp, files string) error
}

// sources lists where a data set can be had on this machine.
func sources(spec *Spec, mirror string) []source {
	if mirror != "" {
		return []source{fromMirror(mirror)}
	}
	var all []source
	if _, err := exec.LookPath("go"); err == nil && spec.GoModule != "" {
		all = append(all, fromGoModule(spec))
	}
	if spec.DebianPackage != "" {
		if _, err := os.Stat("/" + spec.DebianDir); err == nil {
			all = append(all, source{"/" + spec.DebianDir, func(_ context.Context, _, files string) error { return copyFiles("/"+spec.DebianDir, files) }})
		}
		if _, err := exec.LookPath("apt-get"); err == nil {
			all = append(all, fromDebianPackage(spec))
		}
	}
	for _, m := range spec.Mirrors {
		all = append(all, fromMirror(m))
	}
	return all
}

func fromGoModule(spec *Spec) source {
	return source{"Go module " + spec.GoModule, func(ctx context.Context, tmp, files string) error {
		cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", spec.GoModule)
		cmd.Dir = tmp // outside of any module
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := cmd.Output()
		var module struct{ Dir, Error string }
		if jsonErr := json.Unmarshal(out, &module); err == nil {
			err = jsonErr
		}
		if module.Error != "" {
			err = errors.New(module.Error)
		}
		if err != nil {
			return err
		}
		return copyFiles(filepath.Join(module.Dir, spec.GoModuleDir), files)
	}}
}

func fromDebianPackage(spec *Spec) source {
	return source{"Debian package " + spec.DebianPackage, func(ctx context.Context, tmp, files string) error {
		download := exec.CommandContext(ctx, "apt-get", "download", spec.DebianPackage)
		download.Dir = tmp
		if out, err := download.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get download: %w: %s", err, out)
		}
		packages, _ := filepath.Glob(filepath.Join(tmp, spec.DebianPackage+"_*.deb"))
		if len(packages) != 1 {
			return errors.New("apt-get download left no package")
		}
		root := filepath.Join(tmp, "root")
		if out, err := exec.CommandContext(ctx, "dpkg", "-x", packages[0], root).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg -x: %w: %s", err, out)
		}
		return copyFiles(filepath.Join(root, spec.DebianDir), files)
	}}
}

func fromMirror(base string) source {
	base = strings.TrimSuffix(base, "/") + "/"
	return source{base, func(ctx context.Context, _, files string) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, name := range fileNames {
			group.Go(func() error {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+name+".gz", nil)
				if err != nil {
					return err
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					return err
				}
				defer response.Body.Close()
				if response.StatusCode != http.StatusOK {
					return fmt.Errorf("%s.gz: the server says %s", name, response.Status)
				}
				return writeFile(filepath.Join(files, name+".gz"), response.Body)
			})
		}
		return group.Wait()
	}}
}

func copyFiles(from, to string) error {
	for _, name := range fileNames {
		path, err := findFile(from, name)
		if err != nil {
			return err
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		err = writeFile(filepath.Join(to, filepath.Base(path)), in)
		in.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, content io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
