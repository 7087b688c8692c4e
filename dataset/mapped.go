package dataset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// An idxFile is what an IDX file holds.
type idxFile struct {
	path     string
	Type     ElementType
	Dims     []int
	elements []uint8 // row-major, big-endian; perhaps read-only memory
}

// imageSize returns the size of each of a file's images: zeros if it has none. One channel may be stated.
func (f *idxFile) imageSize() (rows, cols int) {
	switch d := f.Dims; {
	case len(d) == 3:
		return d[1], d[2]
	case len(d) == 4 && d[1] == 1:
		return d[2], d[3]
	case len(d) == 4 && d[3] == 1:
		return d[1], d[2]
	}
	return 0, 0
}

// readFile reads an IDX file. Unless want is empty, it is the sha256 of the file's decompressed bytes, in hexadecimal.
//
// The elements are mapped from the file, read-only, until the process ends: the system reads a page when it is used and may forget it
// again, so a set may be larger than memory. Of a file that is gzipped, or whose images are to be transposed, a copy in the cache is mapped.
func readFile(path, want string, transpose bool) (*idxFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 { // a pipe, or an error below
		return decodeFile(file, path, want, transpose)
	}
	var magic [2]byte
	if _, err := file.ReadAt(magic[:], 0); err == nil && (transpose || isGzip(magic[:])) {
		unpacked, err := cachedCopy(file, want, transpose)
		var writing *cacheError
		if errors.As(err, &writing) { // no room or no right: then on the heap
			return decodeFile(file, path, want, transpose)
		}
		if err != nil {
			return nil, err
		}
		defer unpacked.Close()
		return mapFile(unpacked, path, "")
	}
	return mapFile(file, path, want)
}

// mapFile maps a regular file that is neither empty, gzipped, nor to be transposed. A version of a file that is mapped already is not mapped again.
func mapFile(file *os.File, path, want string) (*idxFile, error) {
	version, err := identify(file)
	if err != nil {
		return nil, err
	}
	all := mappedAlready(version)
	isNew := all == nil
	if isNew {
		if all, err = unix.Mmap(int(file.Fd()), 0, int(version.Size), unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return nil, fmt.Errorf("mapping it into memory: %w", err)
		}
	}
	f, err := inMemory(all, path, want)
	if err != nil {
		if isNew {
			_ = unix.Munmap(all)
		}
		return nil, err
	}
	if isNew {
		addMapping(Mapping{file.Name(), all, version})
	}
	return f, nil
}

// inMemory returns what an IDX file's bytes hold, which are not gzipped. It copies none of the elements.
func inMemory(all []uint8, path, want string) (*idxFile, error) {
	d, err := newReader(bytes.NewReader(all))
	if err != nil {
		return nil, err
	}
	if err := d.checkLength(int64(len(all)) - d.headerSize()); err != nil {
		return nil, err
	}
	if want != "" {
		sum := sha256.Sum256(all)
		if err := checkSum(sum[:], want); err != nil {
			return nil, err
		}
	}
	return &idxFile{path, d.Type, d.Dims, all[d.headerSize():]}, nil
}

// decodePath is readFile with the elements on the heap.
func decodePath(path, want string, transpose bool) (*idxFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return decodeFile(file, path, want, transpose)
}

// decodeFile reads a file's elements to the heap.
func decodeFile(file *os.File, path, want string, transpose bool) (*idxFile, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil && !errors.Is(err, unix.ESPIPE) {
		return nil, err
	}
	return decodeStream(file, path, want, transpose)
}

// decodeStream reads an IDX stream's elements to the heap.
func decodeStream(stream io.Reader, path, want string, transpose bool) (*idxFile, error) {
	d, checked, err := openChecked(stream, want)
	if err != nil {
		return nil, err
	}
	values, err := d.ReadAll()
	if err != nil {
		return nil, err
	}
	if err := checked(); err != nil {
		return nil, err
	}
	f := &idxFile{path, d.Type, d.Dims, values}
	if transpose {
		f.transpose()
	}
	return f, nil
}

// openChecked returns a reader of an IDX file, and a function that checks the decompressed bytes, once all are read, against their sha256.
func openChecked(file io.Reader, want string) (d *Reader, checked func() error, err error) {
	stream, err := decompressed(file)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.New()
	if want != "" {
		stream = io.TeeReader(stream, sum)
	}
	d, err = newReader(stream)
	return d, func() error { return checkSum(sum.Sum(nil), want) }, err
}

// checkSum accepts any sum if none is wanted.
func checkSum(sum []byte, want string) error {
	if got := fmt.Sprintf("%x", sum); want != "" && got != want {
		return FormatError(fmt.Sprintf("its sha256 is %s, expected %s", got, want))
	}
	return nil
}

// maxImage is how many pixels an image may have: more than anybody trains on, and few enough to transpose in memory.
const maxImage = 1 << 24

// checkImageSize returns an error for images with too many pixels, or with none. Their file may be shorter than its header says.
func (f *idxFile) checkImageSize() error {
	switch rows, cols := f.imageSize(); {
	case rows == 0 || cols == 0:
		return FormatError(fmt.Sprintf("images have 3 dimensions (images, rows, columns), and its header has %v", f.Dims))
	case rows > maxImage/cols:
		return UnsupportedError(fmt.Sprintf("its images are %dx%d, and may have %d pixels; scale them down", rows, cols, maxImage))
	}
	return nil
}

// transpose exchanges rows and columns of each image. A file of no images stays as it is, which is said later.
func (f *idxFile) transpose() {
	if len(f.elements) == 0 || f.checkImageSize() != nil {
		return
	}
	rows, cols := f.imageSize()
	image := make([]uint8, rows*cols)
	for at := 0; at < len(f.elements); at += len(image) {
		transposeImage(image, f.elements[at:][:len(image)], rows, cols)
		copy(f.elements[at:], image)
	}
	f.Dims = []int{f.Dims[0], cols, rows}
}

// transposeImage writes an image of rows x cols pixels as one of cols x rows.
func transposeImage(to, from []uint8, rows, cols int) {
	for y := range rows {
		for x := range cols {
			to[x*rows+y] = from[y*cols+x]
		}
	}
}
