package serve

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"lenet/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed openapi.yaml
var openAPIText []byte

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"path": url.PathEscape,
	"percent": func(p *float64) string {
		if p == nil {
			return "–"
		}
		return fmt.Sprintf("%.2f %%", 100**p)
	},
	"date": func(t time.Time) string {
		if t.IsZero() {
			return "–"
		}
		return t.Format("2 Jan 2006 15:04")
	},
	"seconds": func(s float64) string { return fmt.Sprintf("%.1f s", s) },
}).ParseFS(pageFiles, "pages/*.html"))

// A page is the data of a template.
type page struct {
	Title   string
	Scripts []string
	Runs    []Run
	Run     *Run
	Folder  string
	Section template.HTML
	Status  int
	Text    string
}

func (s *Server) render(w http.ResponseWriter, status int, name string, p page) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails where the client has gone
	return nil
}

func (s *Server) errorPage(w http.ResponseWriter, status int, text string) {
	if err := s.render(w, status, "error.html", page{Title: http.StatusText(status), Status: status, Text: text}); err != nil {
		s.log(err.Error())
	}
}

func (s *Server) runsPage(w http.ResponseWriter, _ *http.Request) error {
	all, err := s.list()
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "runs.html", page{Title: "Runs", Scripts: []string{"live.js"}, Runs: all, Folder: s.options.Runs})
}

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) error {
	p, err := s.pageOf(r)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "run.html", p)
}

// sectionPage answers with the part of a run's page that changes while it trains.
func (s *Server) sectionPage(w http.ResponseWriter, r *http.Request) error {
	p, err := s.pageOf(r)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "section", p)
}

// pageOf returns the page of the run that is asked for.
func (s *Server) pageOf(r *http.Request) (p page, err error) {
	dir, err := s.find(r.PathValue("name"))
	if err != nil {
		return p, err
	}
	run := s.describe(dir)
	section, err := s.sections.of(r.Context(), dir, run.State)
	return page{Title: run.Name, Scripts: []string{"live.js"}, Run: &run, Section: section}, err
}

// drawPage is the page of a canvas. Without a run in the address, the default one's network reads it.
func (s *Server) drawPage(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("run")
	dir, err := s.withWeights(name)
	if err != nil {
		return err
	}
	run := s.describe(dir)
	all, err := s.list()
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "draw.html", page{Title: "Draw", Scripts: append(web.Drawing[:len(web.Drawing):len(web.Drawing)], "choose.js"), Run: &run, Runs: all})
}

// static answers with a file of package web.
func (s *Server) static(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	text, err := web.Files.ReadFile(name)
	if err != nil {
		return &httpError{http.StatusNotFound, "there is no such file"}
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(text)
	return nil
}

// favicon is a 3, which browsers ask for.
func (s *Server) favicon(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0069a6"/><path d="M5 4h5a2 2 0 0 1 0 4H8h2a2 2 0 0 1 0 4H5" fill="none" stroke="#fff" stroke-width="2"/></svg>`).WriteTo(w)
	return nil
}

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPIText)
	return nil
}
