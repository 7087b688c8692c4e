package dataset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// readFile returns the dimensions and elements of one uint8 IDX file. Unless want is empty, it is the sha256 of the file's
// decompressed bytes, in hexadecimal.
//
// The elements are mapped from the file, read-only, until the process ends: the system reads a page when it is used and may forget it
// again, so a set may be larger than memory. Of a gzipped file, a decompressed copy in the cache is mapped.
func readFile(path, want string) ([]int, []uint8, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	var magic [2]byte
	if _, err := file.ReadAt(magic[:], 0); err == nil && isGzip(magic[:]) {
		unpacked, err := decompressedCopy(file, want)
		var writing *cacheError
		if errors.As(err, &writing) { // no room or no right: then on the heap
			return decodeFile(file, want)
		}
		if err != nil {
			return nil, nil, err
		}
		defer unpacked.Close()
		return mapFile(unpacked, "")
	}
	return mapFile(file, want)
}

// mapFile maps a decompressed file.
func mapFile(file *os.File, want string) ([]int, []uint8, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return decodeFile(file, want)
	}
	all, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping it into memory: %w", err)
	}
	d, err := NewReader(bytes.NewReader(all))
	if err == nil {
		err = d.check(info.Size() - d.headerSize())
	}
	if err == nil && want != "" {
		sum := sha256.Sum256(all)
		err = checkSum(sum[:], want)
	}
	if err != nil {
		_ = unix.Munmap(all)
		return nil, nil, err
	}
	return d.Dims, all[d.headerSize():], nil
}

// decodePath is readFile with the elements on the heap.
func decodePath(path, want string) ([]int, []uint8, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	return decodeFile(file, want)
}

// decodeFile reads a file's elements to the heap.
func decodeFile(file *os.File, want string) ([]int, []uint8, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	d, checked, err := openChecked(file, io.Discard, want)
	if err != nil {
		return nil, nil, err
	}
	values, err := d.ReadUint8()
	if err != nil {
		return nil, nil, err
	}
	return d.Dims, values, checked()
}

// openChecked returns a reader of an IDX file that copies the decompressed bytes to a writer, and a function that checks them, once
// all are read, against their sha256.
func openChecked(file io.Reader, to io.Writer, want string) (d *Reader, checked func() error, err error) {
	stream, err := decompressed(file)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.New()
	if want != "" {
		to = io.MultiWriter(sum, to)
	}
	d, err = NewReader(io.TeeReader(stream, to))
	return d, func() error { return checkSum(sum.Sum(nil), want) }, err
}

// checkSum accepts any sum if none is wanted.
func checkSum(sum []byte, want string) error {
	if got := fmt.Sprintf("%x", sum); want != "" && got != want {
		return FormatError(fmt.Sprintf("its sha256 is %s, expected %s; delete the file and `lenet fetch` again", got, want))
	}
	return nil
}

// A cacheError reports that the cache cannot be written.
type cacheError struct{ error }

func (e *cacheError) Unwrap() error { return e.error }

// decompressedCopy opens the decompressed copy of a gzipped file, which it makes unless there is one of the same modification time. A
// copy is checked when it is made, and appears whole or not at all.
func decompressedCopy(file *os.File, want string) (*os.File, error) {
	info, err := file.Stat()
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
	id := sha256.Sum256([]byte(path + "\x00" + want))
	name := filepath.Join(cache, "decompressed", fmt.Sprintf("%x", id[:16]))
	if made, err := os.Open(name); err == nil {
		if i, err := made.Stat(); err == nil && i.ModTime().Equal(info.ModTime()) {
			return made, nil
		}
		made.Close()
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, &cacheError{err}
	}
	unpacked, err := renameio.NewPendingFile(name)
	if err != nil {
		return nil, &cacheError{err}
	}
	defer unpacked.Cleanup()
	if err := decompressTo(unpacked, file, want); err != nil {
		return nil, err
	}
	if err := os.Chtimes(unpacked.Name(), info.ModTime(), info.ModTime()); err != nil {
		return nil, &cacheError{err}
	}
	if err := unpacked.CloseAtomicallyReplace(); err != nil {
		return nil, &cacheError{err}
	}
	made, err := os.Open(name)
	if err != nil {
		return nil, &cacheError{err}
	}
	return made, nil
}

// decompressTo writes the decompressed bytes of an IDX file, and checks them.
func decompressTo(to io.Writer, file io.Reader, want string) error {
	d, checked, err := openChecked(file, cacheWriter{to}, want)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, d); err != nil {
		return err
	}
	return checked()
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
