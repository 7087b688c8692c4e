package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"lenet/badfile"
)

const maxExpansion = 1032 // of gzip: a code of two bits stands for 258 bytes

var (
	setBound     = badfile.Bound{Times: 6, Plus: 12 << 20} // of four files' decompressed bytes
	classesBound = badfile.Bound{Times: 60, Plus: 4 << 20}
	noteBound    = badfile.Bound{Times: 30, Plus: 1 << 20}
)

// FuzzSet reads a set's files in both ways that there are: to the heap, and as the copy in the cache that is mapped. The same two files are the training and the
// test set.
func FuzzSet(f *testing.F) {
	f.Fuzz(func(t *testing.T, images, labels []byte, zipped, transpose bool) {
		size := 0
		for _, file := range []*[]byte{&images, &labels} {
			switch {
			case zipped:
				size += len(*file)
				*file = gzipped(t, *file)
			case isGzip((*file)[:min(2, len(*file))]):
				size += maxExpansion * len(*file)
			default:
				size += len(*file)
			}
		}
		paths := [4]string{"images", "labels", "images", "labels"}
		files := map[string][]byte{"images": images, "labels": labels}
		read := func(path, want string, transpose bool) (*idxFile, error) {
			return decodeStream(bytes.NewReader(files[path]), path, want, transpose)
		}
		copied := func(path, want string, transpose bool) (*idxFile, error) {
			var unpacked bytes.Buffer
			if err := writeCopy(&unpacked, bytes.NewReader(files[path]), want, transpose); err != nil {
				return nil, err
			}
			return inMemory(unpacked.Bytes(), path, want)
		}
		format := Format{Transpose: transpose}
		var set, other, again *Set
		var err error
		setBound.Hold(t, 2*size, func() { set, again, err = format.load(paths, read) })
		other, _, otherErr := format.load(paths, copied)
		if (err == nil) != (otherErr == nil) || !reflect.DeepEqual(set, other) {
			t.Fatalf("read to the heap: %+v, %v; copied: %+v, %v", set, err, other, otherErr)
		}
		if err != nil {
			return
		}
		checkSet(t, set)
		if !reflect.DeepEqual(set, again) {
			t.Fatalf("one file read twice: %+v and %+v", set, again)
		}
		idx := idxFile{Type: Uint8, Dims: []int{set.Len(), set.Rows, set.Cols}}
		decoded, err := inMemory(append(idx.header(), set.Images...), "", "")
		if err != nil || !bytes.Equal(decoded.elements, set.Images) || !reflect.DeepEqual(decoded.Dims, idx.Dims) {
			t.Fatalf("written and read again: %+v, %v", decoded, err)
		}
	})
}

// FuzzPrepared reads the note beside a folder's prepared pictures, of which there are four, with a file that has as many bytes as the note says.
func FuzzPrepared(f *testing.F) {
	const pictures = 4
	f.Fuzz(func(t *testing.T, note []byte, elements uint8) {
		var p preparedPictures
		var err error
		noteBound.Hold(t, len(note), func() { err = json.Unmarshal(note, &p) })
		if err != nil || p.Rows > 1<<8 || p.Cols > 1<<8 || p.Rows < 0 || p.Cols < 0 || len(p.Kept) > 1<<8 {
			return
		}
		images := &idxFile{Type: ElementType(elements), Dims: []int{len(p.Kept), p.Rows, p.Cols}}
		images.elements = make([]uint8, len(p.Kept)*p.Rows*p.Cols*images.Type.Size())
		if !p.take(images, pictures) {
			return
		}
		folder := pictureFolder{names: []string{"a", "b"}, log: func(string) {}}
		for i := range pictures {
			folder.splits[i/2] = append(folder.splits[i/2], labelledFile{"", i % 2})
		}
		train, test, err := folder.sets(slices.Concat(folder.splits[0], folder.splits[1]), &p)
		if err != nil {
			return
		}
		checkSet(t, train)
		checkSet(t, test)
	})
}

// FuzzClassNames reads a file of the classes' names.
func FuzzClassNames(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		var names []string
		var err error
		classesBound.Hold(t, len(text), func() { names, err = parseClasses(text, "classes.txt") })
		if err != nil {
			return
		}
		if len(names) < 2 || len(names) > maxClasses {
			t.Fatalf("%d names", len(names))
		}
		plain := true
		for i, name := range names {
			if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || slices.Contains(names[:i], name) {
				t.Fatalf("name %d is %q, of %q", i, name, names)
			}
			plain = plain && name[0] != '#' && !labelledLine.MatchString(name)
		}
		if !plain { // a name that looks like a comment, or like a label and a name
			return
		}
		again, err := parseClasses([]byte(strings.Join(names, "\n")), "")
		if err != nil || !slices.Equal(again, names) {
			t.Fatalf("%q, written and read again: %q, %v", names, again, err)
		}
	})
}

func checkSet(t *testing.T, s *Set) {
	t.Helper()
	if s.Rows < 1 || s.Cols < 1 || s.Len() < 1 || len(s.Images) != s.Len()*s.Rows*s.Cols {
		t.Fatalf("%d labels for %d bytes of images of %dx%d pixels", s.Len(), len(s.Images), s.Rows, s.Cols)
	}
	if s.Classes < 2 || s.Classes > maxClasses || len(s.Names) != s.Classes {
		t.Fatalf("%d classes with the names %q", s.Classes, s.Names)
	}
	for i, label := range s.Labels {
		if int(label) >= s.Classes {
			t.Fatalf("label %d is %d, of %d classes", i, label, s.Classes)
		}
	}
}

func gzipped(t testing.TB, b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}
