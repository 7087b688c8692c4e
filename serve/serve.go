// Package serve is lenet's web server: pages of runs and sweeps while they train, a canvas that a network reads, and an interface for programs.
//
// What it shows is what is on disk, so a run of any other process is shown as it goes. Nothing but drawings that are kept is written, and no request
// leaves the machine.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"lenet/compute"
	"lenet/dataset"
	"lenet/option"
	"lenet/runs"
	"lenet/train"
)

// Address is where the server listens and which names it answers to.
type Address struct {
	Listen string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to listen. Beyond this machine, whoever reaches the port may see all runs and use the networks."`
	Hosts  []string `name:"host" placeholder:"NAME" help:"Names under which the server may be asked, beside localhost and addresses of digits."`
}

// Options say what to serve, and where.
type Options struct {
	Address
	Runs     string `default:"runs" placeholder:"DIR" help:"Folder whose runs and sweeps are shown, up to three levels deep."`
	Model    string `placeholder:"RUN" help:"The run, as the pages name it, whose network answers where none is named. Without it, the newest."`
	Drawings string `placeholder:"DIR" help:"Folder for drawings that are kept under their right labels; lenet train --data reads it. Default: drawings in --runs."`
	compute.Resources
}

// Defaults returns options for the runs in runs/ on this machine alone.
func Defaults() (o Options) {
	option.Defaults(&o, train.Names)
	return o
}

// Limits of what clients may take up.
const (
	maxConnections = 512
	headerTimeout  = 5 * time.Second  // for a request's first lines
	readTimeout    = 15 * time.Second // for all of a request
	writeTimeout   = time.Minute      // for an answer; a stream of events has it for each event
	idleTimeout    = time.Minute      // between the requests of a connection
	maxHeader      = 16 << 10         // bytes
	shutdownGrace  = 10 * time.Second
)

// A Server serves the runs in a folder.
type Server struct {
	options  Options
	log      func(string)
	listener net.Listener
	http     *http.Server
	sections *sections
	networks *networks
	newest   newest
	metrics  *serverMetrics
	limits   limits
}

// New returns a server that listens, and answers once [Server.Run] is called. log gets notices.
//
// Errors: [option.Error]; [ListenError].
func New(o Options, log func(string)) (*Server, error) {
	if err := o.Resources.Validate(); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, option.Errorf("listen", "is %q and must be an address and a port, as 127.0.0.1:8080", o.Listen)
	}
	if err := o.Resolve(log); err != nil {
		return nil, err
	}
	if o.Drawings == "" {
		o.Drawings = filepath.Join(o.Runs, "drawings")
	}
	s := &Server{options: o, log: log, metrics: newServerMetrics()}
	s.limits = newLimits()
	s.sections = newSections(s)
	s.networks = newNetworks(s)
	s.metrics.queue(&s.limits)
	if s.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, &ListenError{o.Listen, err}
	}
	if !loopback(host) {
		log(fmt.Sprintf("listening on %s: whoever reaches this port may see all runs and use the networks; there is no password", s.listener.Addr()))
	}
	return s, nil
}

// A ListenError says that the server cannot listen at an address.
type ListenError struct {
	Address string
	Cause   error
}

func (e *ListenError) Error() string { return fmt.Sprintf("serve: %v", e.Cause) }
func (e *ListenError) Unwrap() error { return e.Cause }

// loopback says whether a host to listen on is this machine's alone.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// URL returns the address of a page for a browser on this machine. A path begins with a slash.
func (s *Server) URL(path string) string {
	address := s.listener.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(address.Port)) + path
}

// Run answers until ctx ends, finishes what it is answering then, for ten seconds at most, and frees the networks.
func (s *Server) Run(ctx context.Context) error {
	defer s.networks.close()
	base, stop := context.WithCancel(dataset.Offline(context.WithoutCancel(ctx)))
	defer stop()
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    log.New(quiet{}, "", 0),
	}
	streams, endStreams := context.WithCancel(base)
	s.limits.streaming = streams
	s.http.RegisterOnShutdown(endStreams)
	defer endStreams()
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(netutil.LimitListener(s.listener, maxConnections)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(base, shutdownGrace)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("serve: %w", err)
	}
	return s.http.Close()
}

// quiet drops what net/http logs of single connections, which any client can cause.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) { return len(p), nil }

// Handler returns what answers requests: guarded, counted, without a listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) { mux.Handle(pattern, s.metrics.counted(pattern, s.answered(h))) }
	handle("GET /{$}", s.runsPage)
	handle("GET /runs/{name}", s.runPage)
	handle("GET /runs/{name}/section", s.sectionPage)
	handle("GET /draw", s.drawPage)
	handle("GET /static/{file}", s.static)
	handle("GET /favicon.ico", s.favicon)
	handle("GET /api", s.openAPI)
	handle("GET /api/runs", s.apiRuns)
	handle("GET /api/runs/{name}", s.apiRun)
	handle("GET /api/runs/{name}/events", s.apiEvents)
	handle("GET /api/runs/{name}/network", s.apiNetwork)
	handle("POST /api/predict", s.apiPredict)
	handle("POST /api/drawings", s.apiKeep)
	handle("GET /healthz", s.healthz)
	handle("GET /metrics", s.metrics.serve)
	mux.Handle("GET /", s.metrics.counted("other", s.answered(func(http.ResponseWriter, *http.Request) error {
		return &httpError{http.StatusNotFound, "there is no such page"}
	})))
	return s.guard(mux)
}

// find returns the run or sweep of a name.
func (s *Server) find(name string) (runs.Dir, error) {
	dir, err := runs.Find(s.options.Runs, name)
	if errors.Is(err, os.ErrNotExist) {
		return "", &httpError{http.StatusNotFound, fmt.Sprintf("there is no run %q; GET /api/runs lists them", name)}
	}
	return dir, err
}

// nameOf returns a folder's name, as pages and programs have it: its path below the folder of runs, with slashes.
func (s *Server) nameOf(dir runs.Dir) string {
	name, err := filepath.Rel(s.options.Runs, string(dir))
	if err != nil || strings.HasPrefix(name, "..") {
		return string(dir)
	}
	return filepath.ToSlash(name)
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := fmt.Fprintln(w, "ok")
	return err
}

// Page returns the path of a run's page.
func (s *Server) Page(dir runs.Dir) string { return "/runs/" + url.PathEscape(s.nameOf(dir)) }
