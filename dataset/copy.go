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

// A written is a file of the cache as it was written.
type written struct {
	Copy   identity
	SHA256 string
}

// noteWritten returns what an open file, just written, is.
func noteWritten(file *os.File, sum string) (w written, err error) {
	w.SHA256 = sum
	w.Copy, err = identify(file)
	return w, err
}

// openWritten opens a file of the cache if it is still what was written, and says whether it seems to have changed since, as it does when the whole cache
// is copied: then its content is the same.
func openWritten(name string, was written) (file *os.File, moved bool) {
	file, err := os.Open(name)
	if err != nil {
		return nil, false
	}
	if now, err := identify(file); err == nil && now == was.Copy {
		return file, false
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, file); err == nil && fmt.Sprintf("%x", sum.Sum(nil)) == was.SHA256 {
		return file, true
	}
	file.Close()
	return nil, false
}

// notePath returns the path of the file beside a file of the cache that says what that is.
func notePath(name string) string { return name + ".json" }

// writeNote writes what a file of the cache is. Where that fails, the file is made again the next time.
func writeNote(name string, note any) {
	if text, err := json.Marshal(note); err == nil {
		_ = renameio.WriteFile(notePath(name), text, 0o666)
	}
}

// readNote sets note to what writeNote wrote, and says whether it could.
func readNote(name string, note any) bool {
	text, err := os.ReadFile(notePath(name))
	return err == nil && json.Unmarshal(text, note) == nil
}

// An origin says what a copy was made from, and what was written.
type origin struct {
	Source identity
	written
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

// writeOrigin says what an open copy was made from.
func writeOrigin(name string, made *os.File, source identity, sum string) {
	if w, err := noteWritten(made, sum); err == nil {
		writeNote(name, origin{source, w})
	}
}

// openCopy opens a copy that is there, or returns nil.
func openCopy(name string, source identity) *os.File {
	var o origin
	if !readNote(name, &o) || o.Source != source {
		return nil
	}
	made, moved := openWritten(name, o.written)
	if moved {
		writeOrigin(name, made, source, o.SHA256)
	}
	return made
}

// writeCopy writes the decompressed bytes of an IDX file, and checks them.
func writeCopy(to io.Writer, file io.Reader, want string, transpose bool) error {
	d, checked, err := openChecked(file, want)
	if err != nil {
		return err
	}
	f := idxFile{Type: d.Type, Dims: d.Dims}
	rows, cols := f.imageSize()
	if transpose = transpose && f.checkImageSize() == nil; transpose { // or it is no file of images, which is said later
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
