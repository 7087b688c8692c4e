package dataset

import (
	"bufio"
	"compress/flate"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

const endsEarly = "the gzip stream ends early"

// decompressed returns r's bytes, through gzip where they begin as gzip does.
func decompressed(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := buffered.Peek(2); !isGzip(magic) {
		return buffered, nil
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, explain(err, "the gzip header ends early")
	}
	z.Multistream(false)
	return &gzipReader{buffered, z}, nil
}

// A gzipReader reads the members of a gzip stream. Zeros behind the last one, as block devices and archives pad files, are passed over.
type gzipReader struct {
	compressed *bufio.Reader
	*gzip.Reader
}

func (r *gzipReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != io.EOF {
		return n, err
	}
	for {
		next, err := r.compressed.Peek(1)
		switch {
		case err != nil:
			return n, err
		case next[0] == 0:
			if _, err := r.compressed.Discard(1); err != nil {
				return n, err
			}
		default:
			if magic, _ := r.compressed.Peek(2); !isGzip(magic) {
				return n, FormatError("bytes that are neither gzip nor zeros follow its gzip stream")
			}
			if err := r.Reset(r.compressed); err != nil {
				return n, explain(err, "the gzip header ends early")
			}
			r.Multistream(false)
			return n, nil
		}
	}
}

// isGzip tells whether a stream that begins so is gzipped.
func isGzip(magic []byte) bool { return len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b }

// explain turns an end that came too early into a FormatError that says early, and damage to the gzip stream into one too. Any
// other error stays as it is.
func explain(err error, early string) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return FormatError(early)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return FormatError("the gzip stream is damaged (" + err.Error() + ")")
	}
	return err
}
