package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// The copies of files in the cache: decompressed, or transposed, so that they can be mapped. Beside each copy stands what it was made from. A copy
// is used only while its file is the same one, and while it is itself what was written. A change that keeps a file's size and modification time,
// as tar, git and cp -p can make one, still shows in its inode or its change time, which no program can set.

// A cacheError reports that the cache cannot be written.
type cacheError struct{ error }

func (e *cacheError) Unwrap() error { return e.error }

// An identity tells one version of a file from another.
type identity struct {
	Device, Inode     uint64
	Size              int64
	Modified, Changed int64 // nanoseconds
}

func identify(file *os.File) (identity, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &s); err != nil {
		return identity{}, err
	}
	return identity{uint64(s.Dev), s.Ino, s.Size, unix.TimespecToNsec(s.Mtim), unix.TimespecToNsec(s.Ctim)}, nil
}

// An origin says what a copy was made from, and what was written.
type origin struct {
	Source identity
	Copy   identity
	SHA256 string // of the copy
}

// cachedCopy opens the decompressed, and perhaps transposed, copy of a file. It makes it, if there is none of this version of the file.
func cachedCopy(file *os.File, want string, transpose bool) (*os.File, error) {
	source, err := identify(file)
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, &cacheError{err}
	}
	path, err := filepath.Abs(file.Name())
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%v", path, want, transpose))
	name := filepath.Join(cache, "decompressed", fmt.Sprintf("%x", id[:16]))
	if made := openCopy(name, source); made != nil {
		return made, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, &cacheError{err}
	}
	unpacked, err := renameio.NewPendingFile(name)
	if err != nil {
		return nil, &cacheError{err}
	}
	defer unpacked.Cleanup()
	sum := sha256.New()
	if err := writeCopy(cacheWriter{io.MultiWriter(unpacked, sum)}, file, want, transpose); err != nil {
		return nil, err
	}
	if after, err := identify(file); err != nil || after.Size != source.Size || after.Modified != source.Modified {
		return nil, fmt.Errorf("the file changed while it was read")
	}
	if err := unpacked.CloseAtomicallyReplace(); err != nil {
		return nil, &cacheError{err}
	}
	made, err := os.Open(name)
	if err != nil {
		return nil, &cacheError{err}
	}
	writeOrigin(name, made, source, fmt.Sprintf("%x", sum.Sum(nil)))
	return made, nil
}

// originPath returns the path of the file that says what a copy was made from.
func originPath(name string) string { return name + ".json" }

// writeOrigin says what an open copy was made from. Where that fails, the copy is made again the next time.
func writeOrigin(name string, made *os.File, source identity, sum string) {
	copied, err := identify(made)
	if err != nil {
		return
	}
	text, err := json.Marshal(origin{source, copied, sum})
	if err == nil {
		_ = renameio.WriteFile(originPath(name), text, 0o666)
	}
}

// openCopy opens a copy that is there, or returns nil. A copy that seems to have changed since it was written, as it does when the whole cache is
// copied, is used if its content is still the same.
func openCopy(name string, source identity) *os.File {
	var o origin
	if text, err := os.ReadFile(originPath(name)); err != nil || json.Unmarshal(text, &o) != nil || o.Source != source {
		return nil
	}
	made, err := os.Open(name)
	if err != nil {
		return nil
	}
	if now, err := identify(made); err == nil && now == o.Copy {
		return made
	}
	sum := sha256.New()
	_, err = io.Copy(sum, made)
	if err == nil && fmt.Sprintf("%x", sum.Sum(nil)) == o.SHA256 {
		writeOrigin(name, made, source, o.SHA256)
		return made
	}
	made.Close()
	return nil
}

// writeCopy writes the decompressed bytes of an IDX file, and checks them.
func writeCopy(to io.Writer, file io.Reader, want string, transpose bool) error {
	d, checked, err := openChecked(file, want)
	if err != nil {
		return err
	}
	f := idxFile{Type: d.Type, Dims: d.Dims}
	rows, cols := f.imageSize()
	if transpose = transpose && rows*cols > 0; transpose {
		f.Dims = []int{d.Dims[0], cols, rows}
	}
	if _, err := to.Write(f.header()); err != nil {
		return err
	}
	if transpose {
		err = copyTransposed(to, d, rows, cols)
	} else {
		_, err = io.Copy(to, d)
	}
	if err != nil {
		return err
	}
	return checked()
}

// copyTransposed copies images, each of rows x cols pixels, with their rows and columns exchanged.
func copyTransposed(to io.Writer, from io.Reader, rows, cols int) error {
	buffered := bufio.NewWriterSize(to, 1<<20)
	image, transposed := make([]uint8, rows*cols), make([]uint8, rows*cols)
	for {
		if _, err := io.ReadFull(from, image); err == io.EOF {
			return buffered.Flush()
		} else if err != nil {
			return err
		}
		transposeImage(transposed, image, rows, cols)
		if _, err := buffered.Write(transposed); err != nil {
			return err
		}
	}
}

// A cacheWriter marks its errors.
type cacheWriter struct{ io.Writer }

func (w cacheWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = &cacheError{err}
	}
	return n, err
}
