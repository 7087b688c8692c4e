package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"lenet/runs"
	"lenet/serve"
	"lenet/train"
)

type serveCommand struct {
	serve.Options
}

// serveGCPercent is Go's own choice: preparing a picture leaves 6.5 MB for the garbage collector, and takes a tenth longer with [gcPercent].
const serveGCPercent = 100

func (c *serveCommand) Run(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(serveGCPercent)
	}
	server, err := serve.New(c.Options, notice)
	if err != nil {
		return err
	}
	fmt.Printf("serving the runs in %s at %s\n", c.Runs, server.URL("/"))
	return server.Run(ctx)
}

// watched trains with train, and serves the run's page until the context ends.
func (c *trainCommand) watched(ctx context.Context, train func(watcher train.Observer) error) error {
	o := serve.Defaults()
	o.Address, o.Resources = c.Address, c.Resources
	if out := filepath.Dir(cmp.Or(c.Resume, c.Out)); c.Resume+c.Out != "" && filepath.Clean(out) != runs.Root {
		o.Runs = out
	}
	server, err := serve.New(o, notice)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving) }()
	if err := train(watcher{server: server}); err != nil {
		stop()
		<-ended
		return err
	}
	notice("the run has ended; its page is there until Ctrl-C")
	select {
	case err = <-ended:
	case <-ctx.Done():
		stop()
		err = <-ended
	}
	return err
}

// A watcher says where a run's page is.
type watcher struct {
	train.BaseObserver
	server *serve.Server
}

func (w watcher) Start(r *train.Running) error {
	fmt.Fprintln(os.Stderr, "watch at", w.server.URL(w.server.Page(r.Dir)))
	return nil
}
