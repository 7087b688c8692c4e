// Package browser tests the pages of lenet serve and of lenet report in a real Chromium, with the real program, whose path is $LENET.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// shots makes the pictures of the documentation anew.
var shots = flag.String("shots", "", "folder to write pictures of the pages to")

var (
	runsDir string // with the run own
	address string // of lenet serve
	browser context.Context
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lenet-browser-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	runsDir = filepath.Join(dir, "runs")
	train := lenet("train", "--device=cpu", "--recipe=fast", "--epochs=6", "--augment=shift=1.5,rotate=10,scale=0.1", "--no-progress", "--out", filepath.Join(runsDir, "own"))
	if out, err := train.CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	stop := serve()
	defer stop()
	chromium, err := find("chromium", "chromium-browser", "google-chrome")
	if err != nil {
		log.Print(err)
		return 1
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.WindowSize(1280, 900))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	var endBrowser func()
	browser, endBrowser = chromedp.NewContext(allocator)
	defer endBrowser()
	if err := chromedp.Run(browser); err != nil {
		log.Fatal(err)
	}
	return m.Run()
}

// find returns the path of the first of some programs that is there; $CHROMIUM names another.
func find(names ...string) (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("these tests need one of %v; on Debian: apt-get install chromium", names)
}

func lenet(args ...string) *exec.Cmd { return exec.Command(os.Getenv("LENET"), args...) }

// serve starts lenet serve on a free port, until stop is called.
func serve() (stop func()) {
	server := lenet("serve", "--device=cpu", "--listen=127.0.0.1:0", "--runs", runsDir)
	out, err := server.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	line := make([]byte, 1000)
	n, err := out.Read(line)
	found := regexp.MustCompile(`http://[^/]+`).Find(line[:n])
	if err != nil || found == nil {
		log.Fatalf("lenet serve said %q (%v)", line[:n], err)
	}
	address = string(found)
	return func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	}
}

// page opens an address in a tab of its own. Errors of its scripts, and what its security policy refuses, fail the test.
func page(t *testing.T, url string, actions ...chromedp.Action) context.Context {
	t.Helper()
	tab, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	limited, cancel := context.WithTimeout(tab, 2*time.Minute)
	t.Cleanup(cancel)
	chromedp.ListenTarget(limited, func(event any) { failOnErrors(t, event) })
	do(t, limited, append([]chromedp.Action{cdppage.BringToFront(), chromedp.Navigate(url)}, actions...)...) // a tab behind others draws nothing
	return limited
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// evaluated returns what an expression of the page's is; it may be a promise.
func evaluated[T any](t *testing.T, ctx context.Context, expression string) (value T) {
	t.Helper()
	do(t, ctx, chromedp.Evaluate(expression, &value, awaited))
	return value
}

// eventually waits until an expression of the page's is true.
func eventually(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	do(t, ctx, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(30*time.Second)))
}

// asked posts a file to the server, and reads its answer.
func asked[T any](t *testing.T, path string, file []byte) (answer T) {
	t.Helper()
	r, err := http.Post(address+path, "image/png", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d: %s (%v)", path, r.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// shot writes a picture of a page, if pictures are asked for.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *shots == "" {
		return
	}
	var png []byte
	do(t, ctx, chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o666); err != nil {
		t.Fatal(err)
	}
}

// text returns a value as JSON.
func text(t *testing.T, value any) string {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
