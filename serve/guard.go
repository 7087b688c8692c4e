package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// policy is the content security policy of all pages: they have their own scripts, styles and pictures, and are in no other's frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses requests under foreign names (DNS rebinding) and what other sites' pages post, and forbids browsers what the pages do not need.
func (s *Server) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(s.answered(func(http.ResponseWriter, *http.Request) error {
		return &httpError{http.StatusForbidden, "another site's page may not ask for this"}
	}))
	protected := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.answersTo(r.Host) {
			s.fail(w, r, &httpError{http.StatusMisdirectedRequest, fmt.Sprintf("this server does not answer to the name %q; start it with --host NAME", r.Host)})
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// answersTo says whether a Host header is one of the server's: an address of digits, which no name server decides on, localhost, or a name from --host.
func (s *Server) answersTo(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") ||
		slices.ContainsFunc(s.options.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

// A handler answers a request, or returns why it cannot: an [httpError], or one that is the server's own fault.
type handler func(http.ResponseWriter, *http.Request) error

// An httpError is an answer other than success.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

// errBusy is the answer to more than the server does at once.
var errBusy = &httpError{http.StatusServiceUnavailable, "the server is busy; try again in a second"}

// answered makes a handler's error an answer.
func (s *Server) answered(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// fail answers with an error: a page for browsers, JSON for programs.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var known *httpError
	var tooLarge *http.MaxBytesError
	var timeout net.Error
	text := err.Error()
	switch {
	case errors.As(err, &known):
		status = known.status
	case errors.As(err, &tooLarge):
		status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("a request has at most %d MB", maxBody>>20)
	case errors.As(err, &timeout) && timeout.Timeout():
		status, text = http.StatusRequestTimeout, fmt.Sprintf("the request did not come within %v", readTimeout)
	case errors.Is(err, context.DeadlineExceeded):
		status, text = http.StatusServiceUnavailable, errBusy.text
	case r.Context().Err() != nil: // nobody waits for the answer
		return
	default:
		s.log(fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, err))
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if wantsPage(r) {
		s.errorPage(w, status, text)
		return
	}
	writeJSON(w, status, map[string]string{"error": text})
}

// wantsPage says whether an error is for somebody who looks at a browser.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails where the client has gone
}

// Limits of what requests may take up at once.
const (
	maxBody     = 16 << 20  // bytes of a request
	maxBodies   = 256 << 20 // bytes of all requests that are being read or answered
	maxPixels   = 25e6      // of a picture: decoding one takes some 10 bytes each
	maxPictures = 256       // of a request
	pixelBudget = 32 << 20  // pixels of the pictures that are decoded and prepared at once
	maxWaiting  = 256       // requests with pictures
	maxStreams  = 64
	answerTime  = 30 * time.Second // for a request with pictures
)

// limits count what is in use.
type limits struct {
	bodies    *atomic.Int64       // bytes
	waiting   *atomic.Int64       // requests with pictures that wait or are being answered
	streams   *atomic.Int64       // of events
	pixels    *semaphore.Weighted // of pictures that are being decoded and prepared
	streaming context.Context     // ends when the server does
}

func newLimits() limits {
	return limits{new(atomic.Int64), new(atomic.Int64), new(atomic.Int64), semaphore.NewWeighted(pixelBudget), context.Background()}
}

// enter counts one more in use, until leave is called, or refuses.
//
// Errors: errBusy.
func enter(count *atomic.Int64, most int64) (leave func(), err error) {
	if count.Add(1) > most {
		count.Add(-1)
		return nil, errBusy
	}
	return func() { count.Add(-1) }, nil
}

// A body reads a request's body, and counts its bytes until Close, which the reader calls when it needs them no longer.
type body struct {
	reader io.Reader
	all    *atomic.Int64
	read   int64
}

func (l *limits) body(w http.ResponseWriter, r *http.Request) *body {
	return &body{reader: http.MaxBytesReader(w, r.Body, maxBody), all: l.bodies}
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	b.read += int64(n)
	if b.all.Add(int64(n)) > maxBodies {
		return 0, errBusy
	}
	return n, err
}

func (b *body) Close() { b.all.Add(-b.read) }

// isMultipart returns the boundary of a multipart request.
func isMultipart(r *http.Request) (boundary string, ok bool) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return parameters["boundary"], err == nil && strings.HasPrefix(kind, "multipart/")
}
