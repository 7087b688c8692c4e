package serve

import (
	"context"
	"errors"
	"html/template"
	"sync"

	"lenet/report"
	"lenet/runs"
)

// maxSections is how many sections are remembered.
const maxSections = 32

// sections are the parts of pages that the report page has, too. They are made anew when the files of a run change, one at a time.
type sections struct {
	server *Server
	lock   sync.Mutex
	made   map[runs.Dir]made
}

type made struct {
	from string // what it was made from
	html template.HTML
}

func newSections(s *Server) *sections { return &sections{server: s, made: map[runs.Dir]made{}} }

// of returns a run's or a sweep's section. While a run trains it is made without the test set; ctx ends the waiting for others.
func (s *sections) of(ctx context.Context, dir runs.Dir, state runs.State) (template.HTML, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	from := state.Name + " " + dir.Stamp()
	if m, ok := s.made[dir]; ok && m.from == from {
		return m.html, nil
	}
	o := report.Defaults()
	o.Resources = s.server.options.Resources
	html, err := report.Section(ctx, dir, o, state.Name == runs.StateRunning, func(string) {})
	var empty *runs.EmptyError
	switch {
	case errors.As(err, &empty):
		html, err = "", nil
	case err != nil && ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil: // damaged files, which are the page's business to tell
		html, err = template.HTML("<p>"+template.HTMLEscapeString(err.Error())+"</p>"), nil
	}
	if len(s.made) >= maxSections {
		clear(s.made)
	}
	s.made[dir] = made{from, html}
	return html, err
}
