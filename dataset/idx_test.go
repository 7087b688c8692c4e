package dataset_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"lenet/dataset"
	"lenet/dataset/datasettest"
)

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	z := gzip.NewWriter(&buffer)
	_, err := z.Write(b)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func readAll(r io.Reader) ([]int, []uint8, error) {
	d, err := dataset.NewReader(r)
	if err != nil {
		return nil, nil, err
	}
	values, err := d.ReadAll()
	return d.Dims, values, err
}

func TestReaderReadsPlainAndGzippedStreams(t *testing.T) {
	content := []byte{1, 2, 3, 4, 5, 6}
	plain := datasettest.IDX(dataset.Uint8, []int{2, 3}, content)
	half := len(plain) / 2
	for name, file := range map[string][]byte{
		"plain": plain, "gzipped": gzipped(t, plain), "padded": append(gzipped(t, plain), make([]byte, 70000)...),
		"in two parts": append(gzipped(t, plain[:half]), gzipped(t, plain[half:])...),
	} {
		for _, r := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file)), iotest.DataErrReader(bytes.NewReader(file))} {
			dims, values, err := readAll(r)
			if err != nil || !slices.Equal(dims, []int{2, 3}) || !slices.Equal(values, content) {
				t.Errorf("%s: dims %v, values %v, error %v", name, dims, values, err)
			}
		}
	}
}

func TestReaderKnowsAllElementTypes(t *testing.T) {
	for _, c := range []struct {
		code byte
		name string
		size int
	}{{0x08, "uint8", 1}, {0x09, "int8", 1}, {0x0B, "int16", 2}, {0x0C, "int32", 4}, {0x0D, "float32", 4}, {0x0E, "float64", 8}} {
		content := bytes.Repeat([]byte{7}, 3*c.size)
		d, err := dataset.NewReader(bytes.NewReader(datasettest.IDX(dataset.ElementType(c.code), []int{3}, content)))
		if err != nil {
			t.Fatal(err)
		}
		if d.Type.String() != c.name || d.Type.Size() != c.size {
			t.Errorf("type %#x is %v of %d bytes", c.code, d.Type, d.Type.Size())
		}
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%v: read % x, %v", d.Type, got, err)
		}
	}
}

func TestReaderNamesWhatIsWrong(t *testing.T) {
	whole := datasettest.IDX(dataset.Uint8, []int{2, 3}, []byte{1, 2, 3, 4, 5, 6})
	damaged := gzipped(t, whole)
	damaged[len(damaged)-5] ^= 1 // in the checksum
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "too short for an IDX header", nil},
		{"gzipped twice", "gzipped twice", gzipped(t, gzipped(t, whole))},
		{"gzip and text", "neither gzip nor zeros", append(gzipped(t, whole), "more"...)},
		{"gzip, zeros and text", "neither gzip nor zeros", append(gzipped(t, whole), 0, 0, 'x', 'y')},
		{"a zip archive", "zip archive; unpack it", []byte("PK\x03\x04....")},
		{"a web page", "web page", []byte("<!DOCTYPE html><html>")},
		{"text", "begins with 68 65 6c 6c", []byte("hello, world")},
		{"unknown type", "not an IDX header", []byte{0, 0, 0x0A, 1, 0, 0, 0, 1, 9}},
		{"no dimensions", "not an IDX header", []byte{0, 0, 8, 0, 9}},
		{"header cut", "too short for an IDX header", whole[:11]},
		{"elements cut", "ends after 5 of the 6 bytes", whole[:len(whole)-1]},
		{"elements missing", "ends after 0 of the 6 bytes", whole[:12]},
		{"one more", "goes on after the 6 bytes", append(slices.Clone(whole), 0)},
		{"overflow", "more than 2^63", datasettest.IDX(dataset.Float64, []int{1 << 31, 1 << 31}, nil)},
		{"gzip header cut", "gzip header ends early", gzipped(t, whole)[:9]},
		{"gzip checksum", "gzip stream is damaged", damaged},
		{"gzip cut in its checksum", "gzip stream ends early", gzipped(t, whole)[:len(damaged)-3]},
		{"gzip noise", "gzip stream is damaged", append(slices.Clone(damaged[:10]), 0xff, 0xff, 0xff)},
	} {
		_, _, err := readAll(bytes.NewReader(c.file))
		if format := dataset.FormatError(""); !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want a FormatError with %q", c.name, err, c.want)
		}
	}
	broken := errors.New("broken disk")
	if _, _, err := readAll(io.MultiReader(bytes.NewReader(whole[:14]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("the reader's own error became %v", err)
	}
}

func TestReaderDoesNotAllocateWhatAHeaderPromises(t *testing.T) {
	file := datasettest.IDX(dataset.Uint8, []int{1 << 20, 1 << 10, 1 << 10}, make([]byte, 1000)) // a terabyte
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := readAll(bytes.NewReader(file))
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Fatal("no error")
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("a stream of 1000 bytes made it allocate %d", n)
	}
}
