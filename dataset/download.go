package dataset

import (
	"context"
	"crypto/md5" // the sums that others have published
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// How long a server may take: to be connected to, and to send the next byte.
var (
	connecting = 10 * time.Second
	silence    = 20 * time.Second
)

// Progress is told how many bytes of how many have come. total is -1 while it is not known, and 0 when a source has been tried, whether or not it had
// all. It may be called from several goroutines at once.
type Progress func(done, total int64)

type progressKey struct{}

// WithProgress returns a context in which downloads report their progress.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

func progressOf(ctx context.Context) Progress {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok && p != nil {
		return p
	}
	return func(int64, int64) {}
}

// A download gets files of one source and reports their progress together.
type download struct {
	client      *http.Client
	progress    Progress
	done, total atomic.Int64
	unknown     atomic.Bool // the size of one of the files
}

func newDownload(ctx context.Context) *download {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: connecting}).DialContext
	transport.TLSHandshakeTimeout = connecting
	transport.DisableKeepAlives = true
	return &download{client: &http.Client{Transport: transport}, progress: progressOf(ctx)}
}

var errSilent = errors.New("the server has sent nothing")

// get writes the file at a URL to path. Unless md5Sum is empty, it is the sum that the file must have.
func (d *download) get(ctx context.Context, url, md5Sum, path string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := silence // of this download
	limit := time.AfterFunc(silence, func() { cancel(fmt.Errorf("%w for %v", errSilent, silence)) })
	defer limit.Stop()
	err := d.save(ctx, url, md5Sum, path, func() { limit.Reset(silence) })
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errSilent) {
		return fmt.Errorf("%s: %w", url, cause)
	}
	return err
}

// save is get; it calls heard whenever something has come.
func (d *download) save(ctx context.Context, url, md5Sum, path string, heard func()) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: the server says %s", url, response.Status)
	}
	if response.ContentLength < 0 {
		d.unknown.Store(true)
	}
	d.total.Add(response.ContentLength)
	sum := md5.New()
	content := io.TeeReader(response.Body, io.MultiWriter(sum, writerFunc(func(p []byte) {
		heard()
		done, total := d.done.Add(int64(len(p))), d.total.Load()
		if d.unknown.Load() {
			total = -1
		}
		d.progress(done, total)
	})))
	if err := writeFile(path, content); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); md5Sum != "" && got != md5Sum {
		return fmt.Errorf("%s: its md5 is %s, expected %s", url, got, md5Sum)
	}
	return nil
}

// A writerFunc is told of what is written.
type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// sumOf returns the sha256 of a file's decompressed bytes.
func sumOf(path string) (string, error) {
	return hashOf(path, sha256.New(), decompressed)
}

// md5Of returns the MD5 sum of a file.
func md5Of(path string) (string, error) {
	return hashOf(path, md5.New(), func(r io.Reader) (io.Reader, error) { return r, nil })
}

func hashOf(path string, sum hash.Hash, through func(io.Reader) (io.Reader, error)) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := through(file)
	if err == nil {
		_, err = io.Copy(sum, content)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}
