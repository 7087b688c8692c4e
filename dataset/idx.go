// Package dataset reads MNIST and data sets like it: IDX files in, batches of uint8 images and labels out.
//
// The IDX format is described at the end of http://yann.lecun.com/exdb/mnist/.
package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// An ElementType is the third byte of an IDX file.
type ElementType uint8

// The element types of the format. Elements of more than one byte are big-endian.
const (
	Uint8   ElementType = 0x08
	Int8    ElementType = 0x09
	Int16   ElementType = 0x0B
	Int32   ElementType = 0x0C
	Float32 ElementType = 0x0D
	Float64 ElementType = 0x0E
)

var elementTypes = map[ElementType]struct {
	name string
	size int
}{
	Uint8: {"uint8", 1}, Int8: {"int8", 1}, Int16: {"int16", 2}, Int32: {"int32", 4}, Float32: {"float32", 4}, Float64: {"float64", 8},
}

func (t ElementType) String() string {
	if e, ok := elementTypes[t]; ok {
		return e.name
	}
	return fmt.Sprintf("ElementType(%#02x)", uint8(t))
}

// Size returns the bytes of one element, or 0 for a type that the format does not have.
func (t ElementType) Size() int { return elementTypes[t].size }

// A FormatError reports that the input is not a valid IDX file, or that files do not fit together.
type FormatError string

func (e FormatError) Error() string { return "dataset: invalid input: " + string(e) }

// An UnsupportedError reports that the input is valid, but cannot be trained on.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "dataset: unsupported input: " + string(e) }

// A Reader is an open IDX stream: its header, decoded, and its elements, read as they stand in the file: row-major,
// big-endian.
type Reader struct {
	Type ElementType
	Dims []int // sizes of the dimensions, outermost first, at least one

	r    io.Reader
	size int64 // bytes of all elements
	left int64 // bytes that Read has not returned yet
}

// NewReader reads the header of an IDX stream, gzipped or not. Errors are [FormatError]s, or r's own.
func NewReader(r io.Reader) (*Reader, error) {
	stream, err := decompressed(r)
	if err != nil {
		return nil, err
	}
	return newReader(stream)
}

// newReader is NewReader for a stream that is decompressed.
func newReader(stream io.Reader) (*Reader, error) {
	var magic [4]byte
	if _, err := io.ReadFull(stream, magic[:]); err != nil {
		return nil, explain(err, "it is too short for an IDX header")
	}
	d := &Reader{Type: ElementType(magic[2]), Dims: make([]int, magic[3]), r: stream}
	if magic[0] != 0 || magic[1] != 0 || d.Type.Size() == 0 || len(d.Dims) == 0 {
		return nil, FormatError(fmt.Sprintf("it begins with % x, which is not an IDX header%s", magic, otherFormat(magic[:])))
	}
	d.size = int64(d.Type.Size())
	for i := range d.Dims {
		var dim [4]byte
		if _, err := io.ReadFull(stream, dim[:]); err != nil {
			return nil, explain(err, "it is too short for an IDX header")
		}
		n := int64(binary.BigEndian.Uint32(dim[:]))
		if n != 0 && d.size > math.MaxInt64/n {
			return nil, FormatError("the dimensions in its header multiply to more than 2^63 bytes")
		}
		d.Dims[i], d.size = int(n), d.size*n
	}
	d.left = d.size
	return d, nil
}

// otherFormat says what a file that begins so is, and what to do with it, where that is known.
func otherFormat(magic []byte) string {
	for begin, what := range map[string]string{
		"\x1f\x8b":         "it is gzipped twice; unpack it once, with gunzip",
		"PK\x03\x04":       "it is a zip archive; unpack it",
		"BZh":              "it is compressed with bzip2; unpack it",
		"\xfd7zX":          "it is compressed with xz; unpack it",
		"\x28\xb5\x2f\xfd": "it is compressed with zstd; unpack it",
		"<!DO":             "it is a web page; download the file again",
		"<htm":             "it is a web page; download the file again",
		"vers":             "it may be a Git LFS pointer; fetch the file itself with git lfs pull",
	} {
		if bytes.HasPrefix(magic, []byte(begin)) {
			return ": " + what
		}
	}
	return ""
}

// header returns the header of an IDX file.
func (f *idxFile) header() []byte {
	b := []byte{0, 0, uint8(f.Type), uint8(len(f.Dims))}
	for _, d := range f.Dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return b
}

// headerSize returns the bytes before the elements.
func (d *Reader) headerSize() int64 { return int64(4 + 4*len(d.Dims)) }

// checkLength returns an error unless n bytes are all of the elements.
func (d *Reader) checkLength(n int64) error {
	switch {
	case n < d.size:
		return FormatError(fmt.Sprintf("it ends after %d of the %d bytes of elements that its header promises", n, d.size))
	case n > d.size:
		return FormatError(fmt.Sprintf("it goes on after the %d bytes of elements that its header promises", d.size))
	}
	return nil
}

// Read reads the elements' bytes. A stream that ends before the last element, or goes on after it, is a [FormatError].
func (d *Reader) Read(p []byte) (int, error) {
	if d.left == 0 {
		var extra [1]byte
		_, err := io.ReadFull(d.r, extra[:])
		if err == nil {
			err = FormatError(fmt.Sprintf("it goes on after the %d bytes of elements that its header promises", d.size))
		} else if err != io.EOF {
			err = explain(err, endsEarly)
		}
		return 0, err
	}
	n, err := d.r.Read(p[:min(int64(len(p)), d.left)])
	d.left -= int64(n)
	if d.left > 0 {
		return n, explain(err, fmt.Sprintf("it ends after %d of the %d bytes of elements that its header promises", d.size-d.left, d.size))
	}
	if err == io.EOF {
		return n, nil
	}
	return n, explain(err, endsEarly)
}

// ReadAll reads all elements' bytes. It allocates as the bytes arrive, not what the header promises.
func (d *Reader) ReadAll() ([]uint8, error) {
	const trusted = 1 << 20
	values := make([]uint8, 0, min(d.size+1, trusted)) // one more, so that the last Read, for the end, needs no growth
	for {
		if len(values) == cap(values) {
			grown := make([]uint8, len(values), min(d.size+1, 4*int64(cap(values))))
			copy(grown, values)
			values = grown
		}
		n, err := d.Read(values[len(values):cap(values)])
		values = values[:len(values)+n]
		if err == io.EOF {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
