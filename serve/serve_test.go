package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lenet/compute"
	"lenet/metrics"
	"lenet/model"
	"lenet/runs"
)

// serving returns a server of a folder of runs, and its address.
func serving(t *testing.T, root string) (*Server, string) {
	t.Helper()
	o := Defaults()
	o.Listen, o.Runs, o.Device, o.Threads = "127.0.0.1:0", root, "cpu", 1
	s, err := New(o, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, strings.TrimSuffix(s.URL("/"), "/")
}

// trained leaves a run of one epoch, with fresh weights.
func trained(t *testing.T, root, name string) runs.Dir {
	t.Helper()
	dir := runs.Dir(filepath.Join(root, filepath.FromSlash(name)))
	if err := os.MkdirAll(string(dir), 0o777); err != nil {
		t.Fatal(err)
	}
	net, err := model.New(model.Report(), model.Options{Kernels: compute.Fused, Device: "cpu", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := dir.WriteConfig(map[string]any{"dataset": "mnist", "epochs": 2, "started": time.Now(), "network": net.Spec, "device": "cpu", "threads": 1}); err != nil {
		t.Fatal(err)
	}
	if err := net.Save(dir.Weights()); err != nil {
		t.Fatal(err)
	}
	e := metrics.Epoch{Number: 1}
	e.Add(metrics.Train, metrics.Loss, 0.5)
	e.Add(metrics.Test, metrics.Accuracy, 0.9)
	if err := dir.AppendEpoch(e); err != nil {
		t.Fatal(err)
	}
	return dir
}

// one is a PNG of a vertical stroke.
func one(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for y := height / 4; y < height*3/4; y++ {
		for x := width*9/20 + 1; x < width*11/20; x++ {
			img.SetGray(x, y, color.Gray{})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func do(t *testing.T, r *http.Request) (status int, text string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func request(t *testing.T, method, url string, body []byte, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return r
}

func TestAttacksAreRefused(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "own")
	if err := os.WriteFile(filepath.Join(filepath.Dir(root), "config.json"), []byte(`{"started":"2026-01-01T00:00:00Z"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	_, address := serving(t, root)
	picture := one(t, 100, 100)
	var many bytes.Buffer
	parts := multipart.NewWriter(&many)
	for i := range maxPictures + 1 {
		w, _ := parts.CreateFormFile("file", fmt.Sprint(i))
		_, _ = w.Write(picture)
	}
	parts.Close()
	huge := slices.Clone(picture) // that says it has 10000x10000 pixels
	copy(huge[16:], []byte{0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10})
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for _, c := range []struct {
		name, method, path string
		body               []byte
		headers            []string
		status             int
		says               string
	}{
		{"fine", "POST", "/api/predict", picture, nil, 200, `"probabilities"`},
		{"fine, by localhost", "GET", "/api/runs", nil, []string{"Host", "localhost:1"}, 200, "own"},
		{"another name (DNS rebinding)", "GET", "/api/runs", nil, []string{"Host", "evil.example"}, 421, "--host"},
		{"another name that begins as an address", "GET", "/api/runs", nil, []string{"Host", "127.0.0.1.evil.example:8080"}, 421, "--host"},
		{"no name", "GET", "/api/runs", nil, []string{"Host", ":8080"}, 421, "--host"},
		{"another site's form", "POST", "/api/predict", picture, []string{"Origin", "https://evil.example"}, 403, "another site"},
		{"another site's script", "POST", "/api/drawings?label=1", picture, []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"a sandboxed frame", "POST", "/api/predict", picture, []string{"Origin", "null"}, 403, "another site"},
		{"a path upwards", "GET", "/api/runs/..%2F", nil, nil, 404, "no run"},
		{"a path upwards and back", "GET", "/api/runs/own%2F..%2Fown", nil, nil, 404, "no run"},
		{"an absolute path", "GET", "/api/runs/%2Fetc", nil, nil, 404, "no run"},
		{"a backslash", "GET", "/runs/..%5Cown", nil, nil, 404, "no run"},
		{"a NUL", "GET", "/api/runs/own%00", nil, nil, 404, "no run"},
		{"the folder itself", "GET", "/api/runs/%2E", nil, nil, 404, "no run"},
		{"another folder's network", "POST", "/api/predict?run=../x", picture, nil, 404, "no run"},
		{"a file of the program's", "GET", "/static/..%2Fweb.go", nil, nil, 404, "no such file"},
		{"garbage", "POST", "/api/predict", []byte("GIF89a and nothing"), nil, 422, "error"},
		{"nothing", "POST", "/api/predict", nil, nil, 422, "empty"},
		{"an empty picture", "POST", "/api/predict", empty(t), nil, 422, "no digit"},
		{"100 megapixels", "POST", "/api/predict", huge, nil, 422, "scale it down"},
		{"17 MB", "POST", "/api/predict", make([]byte, 17<<20), nil, 413, "16 MB"},
		{"257 pictures", "POST", "/api/predict", many.Bytes(), []string{"Content-Type", parts.FormDataContentType()}, 413, "256"},
		{"a multipart body that is none", "POST", "/api/predict", picture, []string{"Content-Type", "multipart/form-data; boundary=x"}, 400, "no picture"},
		{"a label beyond the classes", "POST", "/api/drawings?label=10", picture, nil, 400, "0 to 9"},
		{"a label that is a path", "POST", "/api/drawings?label=../1", picture, nil, 400, "0 to 9"},
		{"a drawing that is none", "POST", "/api/drawings?label=1", []byte("<script>"), nil, 422, "PNG"},
		{"another method", "DELETE", "/api/runs/own", nil, nil, 405, ""},
		{"a page that is not there", "GET", "/wp-admin", nil, nil, 404, "no such page"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := do(t, request(t, c.method, address+c.path, c.body, c.headers...))
			if status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("status %d, want %d; %.300s", status, c.status, text)
			}
		})
	}
	if kept, _ := filepath.Glob(filepath.Join(root, "drawings", "*")); len(kept) > 0 {
		t.Errorf("the attacks left %q", kept)
	}
}

func empty(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 100, 100))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPagesForbidWhatTheyDoNotNeed(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "own")
	_, address := serving(t, root)
	for _, path := range []string{"/", "/runs/own", "/draw", "/static/draw.js", "/api/runs", "/nothing"} {
		answer, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if got := answer.Header.Get("Content-Security-Policy"); got != policy || strings.Contains(got, "unsafe") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
		if html := string(text); strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") && (strings.Contains(html, " style=") || strings.Contains(html, "<script>") || strings.Contains(html, "http://127")) {
			t.Errorf("%s has inline styles or scripts, or another address", path)
		}
	}
}

// Clients that send nothing, or one byte in a while, take no place from others.
func TestClientsThatHangDoNotHurtOthers(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "own")
	_, address := serving(t, root)
	for i := range maxWaiting + 20 {
		c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		head := "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
		if i%2 == 0 {
			head += "\r\nsome"
		}
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
	}
	if status, text := do(t, request(t, "POST", address+"/api/predict", one(t, 100, 100))); status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
}

// More than is answered at once is refused at once.
func TestTooManyAreRefused(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "own")
	s, address := serving(t, root)
	s.limits.waiting.Add(maxWaiting)
	answer, err := http.Post(address+"/api/predict", "image/png", bytes.NewReader(one(t, 100, 100)))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, headers %v", answer.StatusCode, answer.Header)
	}
	s.limits.waiting.Add(-maxWaiting)
	if status, _ := do(t, request(t, "POST", address+"/api/predict", one(t, 100, 100))); status != http.StatusOK {
		t.Errorf("afterwards: status %d", status)
	}
	if n := s.limits.waiting.Load() + s.limits.bodies.Load(); n != 0 {
		t.Errorf("%d are still counted", n)
	}
}

func TestRequestsTogetherAreAnsweredAsOneBatch(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "own")
	s, _ := serving(t, root)
	handler := s.Handler()
	picture := one(t, 100, 100)
	ask := func() string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/api/predict", bytes.NewReader(picture)))
		return w.Body.String()
	}
	alone := ask()
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if got := ask(); got != alone {
				t.Errorf("together %s, alone %s", got, alone)
			}
		})
	}
	all.Wait()
	_, text := do(t, request(t, "GET", s.URL("/metrics"), nil))
	var batches, images int
	for line := range strings.Lines(text) {
		_, _ = fmt.Sscanf(line, "lenet_batch_images_count %d", &batches)
		_, _ = fmt.Sscanf(line, "lenet_batch_images_sum %d", &images)
	}
	if images != 201 || batches < 1 || batches > images {
		t.Errorf("%d images in %d batches", images, batches)
	}
	t.Logf("%d images in %d batches", images, batches)
}

func TestSeveralPicturesAndRows(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "deep/er/own")
	_, address := serving(t, root)
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	for name, content := range map[string][]byte{"a.png": one(t, 100, 100), "b.txt": []byte("text")} {
		w, _ := parts.CreateFormFile("file", name)
		_, _ = w.Write(content)
	}
	parts.Close()
	status, text := do(t, request(t, "POST", address+"/api/predict?run=deep/er/own", b.Bytes(), "Content-Type", parts.FormDataContentType()))
	var answers []struct{ File, Label, Error string }
	if err := json.Unmarshal([]byte(text), &answers); err != nil || status != http.StatusOK || len(answers) != 2 {
		t.Fatalf("status %d: %s", status, text)
	}
	for _, a := range answers {
		if (a.File == "a.png") != (a.Label != "") || (a.File == "b.txt") != (a.Error != "") {
			t.Errorf("%+v", a)
		}
	}
	if status, text := do(t, request(t, "POST", address+"/api/predict?split=true", one(t, 100, 100))); status != http.StatusOK || text[0] != '[' {
		t.Errorf("a row: status %d: %s", status, text)
	}
	if status, text := do(t, request(t, "GET", address+"/api/runs/deep%2Fer%2Fown", nil)); status != http.StatusOK || !strings.Contains(text, `"test_acc":0.9`) {
		t.Errorf("a run: status %d: %s", status, text)
	}
}

// A client is told of epochs as they come, and the stream ends with the run.
func TestEventsFollowARun(t *testing.T) {
	root := t.TempDir()
	dir := trained(t, root, "own")
	unlock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	_, address := serving(t, root)
	answer, err := http.Get(address + "/api/runs/own/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	e := metrics.Epoch{Number: 2}
	e.Add(metrics.Train, metrics.Loss, 0.25)
	if err := dir.AppendEpoch(e); err != nil {
		t.Fatal(err)
	}
	if err := dir.AppendProgress(metrics.Progress{Epoch: 2, Images: 100, Of: 200, Loss: 0.5, Accuracy: 0.75, Seconds: 1}); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(string(dir), "progress.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(file, `{"epoch":2,"ima`) // as of a line that is being written
	file.Close()
	time.Sleep(3 * pollInterval)
	if err := dir.WriteOutcome(nil, false); err != nil {
		t.Fatal(err)
	}
	unlock()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{"id: 1\nevent: epoch\n", "event: state\ndata: {\"state\":\"running\"", "id: 2\nevent: epoch\n", "event: progress\ndata: {\"epoch\":2,\"images\":100,", "event: state\ndata: {\"state\":\"ended\""} {
		i := strings.Index(string(text)[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing after byte %d of %s", want, at, text)
		}
		at += i
	}
}

func TestStopFinishesWhatIsBeingAnswered(t *testing.T) {
	root := t.TempDir()
	trained(t, root, "own")
	o := Defaults()
	o.Listen, o.Runs, o.Device = "127.0.0.1:0", root, "cpu"
	s, err := New(o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	reader, writer := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		answer, err := http.Post(s.URL("/api/predict"), "image/png", reader)
		if err != nil {
			answered <- 0
			return
		}
		answer.Body.Close()
		answered <- answer.StatusCode
	}()
	picture := one(t, 100, 100)
	_, _ = writer.Write(picture[:100])
	time.Sleep(100 * time.Millisecond)
	stop()
	time.Sleep(100 * time.Millisecond)
	_, _ = writer.Write(picture[100:])
	writer.Close()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
