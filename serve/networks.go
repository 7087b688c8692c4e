package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"lenet/predict"
	"lenet/runs"
)

// maxNetworks is how many networks are kept open.
const maxNetworks = 4

// networks are the networks that are open, by their weights. A run that goes on writes new ones, and its old network is closed.
type networks struct {
	server *Server
	lock   sync.Mutex
	open   map[runs.Dir]*network
}

type network struct {
	*predict.Classifier
	written time.Time // its weights
	used    time.Time
	users   int
	stale   bool // closed when nobody uses it any longer
}

func newNetworks(s *Server) *networks { return &networks{server: s, open: map[runs.Dir]*network{}} }

// get returns the network of a run, or with an empty name of the default one, until release is called.
//
// Errors: [httpError] where there is no such run, or it has no weights.
func (n *networks) get(ctx context.Context, name string) (c *predict.Classifier, release func(), err error) {
	dir, err := n.server.withWeights(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := os.Stat(dir.Weights())
	if err != nil {
		return nil, nil, &httpError{http.StatusNotFound, fmt.Sprintf("the run %s has no weights yet", n.server.nameOf(dir))}
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	opened := n.open[dir]
	if opened == nil || !opened.written.Equal(info.ModTime()) {
		o := predict.Defaults()
		o.Model, o.Resources = string(dir), n.server.options.Resources
		classifier, err := predict.NewClassifier(context.WithoutCancel(ctx), o, n.server.log)
		if err != nil {
			return nil, nil, &httpError{http.StatusConflict, fmt.Sprintf("the network of %s cannot be used: %v", n.server.nameOf(dir), err)}
		}
		classifier.Batch = n.server.metrics.batch
		n.retire(dir)
		opened = &network{Classifier: classifier, written: info.ModTime()}
		n.open[dir] = opened
		n.evict(dir)
	}
	opened.users++
	opened.used = time.Now()
	return opened.Classifier, func() { n.release(opened) }, nil
}

func (n *networks) release(opened *network) {
	n.lock.Lock()
	defer n.lock.Unlock()
	opened.users--
	if opened.stale && opened.users == 0 {
		opened.Close()
	}
}

// retire closes a run's network as soon as nobody uses it.
func (n *networks) retire(dir runs.Dir) {
	old := n.open[dir]
	if old == nil {
		return
	}
	delete(n.open, dir)
	old.stale = true
	if old.users == 0 {
		old.Close()
	}
}

// evict retires the network that was used longest ago, other than dir's, where there are too many.
func (n *networks) evict(dir runs.Dir) {
	var oldest runs.Dir
	for other, o := range n.open {
		if other != dir && (oldest == "" || o.used.Before(n.open[oldest].used)) {
			oldest = other
		}
	}
	if len(n.open) > maxNetworks {
		n.retire(oldest)
	}
}

func (n *networks) close() {
	n.lock.Lock()
	defer n.lock.Unlock()
	for dir := range n.open {
		n.retire(dir)
	}
}

// withWeights returns the folder of a run by its name; of the default one, or the newest that has weights, for an empty name.
func (s *Server) withWeights(name string) (runs.Dir, error) {
	if name == "" {
		name = s.options.Model
	}
	if name != "" {
		return s.find(name)
	}
	return s.newest.get(s.options.Runs)
}

// newestFor is how long the newest run is remembered: to look for it reads every run's options.
const newestFor = time.Second

// A newest remembers the newest run that has weights.
type newest struct {
	lock  sync.Mutex
	dir   runs.Dir
	found time.Time
}

func (n *newest) get(root string) (runs.Dir, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if time.Since(n.found) < newestFor {
		return n.dir, nil
	}
	all, err := runs.List(root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for _, dir := range all {
		if _, err := os.Stat(dir.Weights()); err == nil && !dir.IsSweep() {
			n.dir, n.found = dir, time.Now()
			return dir, nil
		}
	}
	return "", &httpError{http.StatusNotFound, "there is no trained network in " + root + " yet: run lenet train --recipe fast"}
}
