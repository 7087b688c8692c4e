package dataset

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// A source puts the four files, gzipped or not, into the folder files. It may leave anything else in tmp.
type source struct {
	name     string
	verified bool // it checks sums of its own
	fetch    func(ctx context.Context, tmp, files string) error
}

// sources lists where a data set can be had on this machine. An archive is kept in the folder cache.
func sources(spec *Spec, cache, mirror string) []source {
	if mirror != "" {
		return []source{fromMirror(spec, mirror)}
	}
	var all []source
	if _, err := exec.LookPath("go"); err == nil && spec.GoModule != "" {
		all = append(all, fromGoModule(spec))
	}
	if spec.DebianPackage != "" {
		dir := "/" + spec.DebianDir
		if _, err := os.Stat(dir); err == nil {
			all = append(all, source{name: dir, fetch: func(_ context.Context, _, files string) error { return copyFiles(dir, files) }})
		}
		if _, err := exec.LookPath("apt-get"); err == nil {
			all = append(all, fromDebianPackage(spec))
		}
	}
	for _, m := range spec.Mirrors {
		all = append(all, fromMirror(spec, m))
	}
	if spec.Archive != "" {
		all = append(all, fromArchive(spec, cache))
	}
	return all
}

// commandLimit is how long a command that downloads may take. It does not say how far it is.
const commandLimit = 3 * time.Minute

var errTooLong = fmt.Errorf("it was not done after %v", commandLimit)

// output runs a command that downloads, in dir, and returns its standard output. Its error has what the command said.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandLimit, errTooLong)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = dir, append(os.Environ(), env...)
	command.WaitDelay = time.Second // for its children
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	switch {
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	case err != nil:
		return out, fmt.Errorf("%s %s: %w: %s", name, args[0], err, said.String())
	}
	return out, nil
}

func fromGoModule(spec *Spec) source {
	return source{name: "Go module " + spec.GoModule, fetch: func(ctx context.Context, tmp, files string) error {
		// tmp is outside of any module
		out, err := output(ctx, tmp, []string{"GOFLAGS=", "GOWORK=off"}, "go", "mod", "download", "-json", spec.GoModule)
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
	return source{name: "Debian package " + spec.DebianPackage, fetch: func(ctx context.Context, tmp, files string) error {
		timeout := fmt.Sprintf("Acquire::http::Timeout=%.0f", silence.Seconds())
		if _, err := output(ctx, tmp, nil, "apt-get", "download", "-o", timeout, "-o", "Acquire::Retries=0", spec.DebianPackage); err != nil {
			return err
		}
		packages, _ := filepath.Glob(filepath.Join(tmp, spec.DebianPackage+"_*.deb"))
		if len(packages) != 1 {
			return errors.New("apt-get download left no package")
		}
		root := filepath.Join(tmp, "root")
		if _, err := output(ctx, tmp, nil, "dpkg", "-x", packages[0], root); err != nil {
			return err
		}
		return copyFiles(filepath.Join(root, spec.DebianDir), files)
	}}
}

func fromMirror(spec *Spec, base string) source {
	base = strings.TrimSuffix(base, "/") + "/"
	return source{name: base, verified: spec.MD5 != [4]string{}, fetch: func(ctx context.Context, _, files string) error {
		d := newDownload(ctx)
		group, ctx := errgroup.WithContext(ctx)
		for i, name := range spec.files() {
			group.Go(func() error {
				return d.get(ctx, base+name+".gz", spec.MD5[i], filepath.Join(files, name+".gz"))
			})
		}
		return group.Wait()
	}}
}

// fromArchive takes the files from an archive, which stays in the cache for the other sets in it.
func fromArchive(spec *Spec, cache string) source {
	return source{name: spec.Archive, verified: true, fetch: func(ctx context.Context, _, files string) error {
		kept := filepath.Join(cache, "archives", spec.ArchiveMD5+".zip")
		if sum, err := md5Of(kept); err != nil || sum != spec.ArchiveMD5 {
			if err := os.MkdirAll(filepath.Dir(kept), 0o777); err != nil {
				return err
			}
			part := kept + fmt.Sprintf(".%d", os.Getpid())
			defer os.Remove(part)
			if err := newDownload(ctx).get(ctx, spec.Archive, spec.ArchiveMD5, part); err != nil {
				return err
			}
			if err := os.Rename(part, kept); err != nil {
				return err
			}
		}
		archive, err := zip.OpenReader(kept)
		if err != nil {
			return err
		}
		defer archive.Close()
		for _, name := range spec.files() {
			file, err := archive.Open(spec.ArchiveDir + "/" + name + ".gz")
			if err != nil {
				return err
			}
			err = writeFile(filepath.Join(files, name+".gz"), file)
			file.Close()
			if err != nil {
				return err
			}
		}
		return nil
	}}
}

func copyFiles(from, to string) error {
	found, err := findFiles(from, false)
	if err != nil {
		return err
	}
	for _, path := range found.paths {
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
