package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lenet/runs"
)

// pollInterval is how often a stream of events looks at what is on disk.
const pollInterval = 100 * time.Millisecond

// heartbeat is how long a stream is silent at most, so that a client that has gone is noticed.
const heartbeat = 15 * time.Second

// apiEvents streams what happens to a run as server-sent events: "epoch", a line of metrics.jsonl, for each epoch from the first one on, with its number as
// the event's id; "progress", a line of progress.jsonl, while it trains; "trial" with the number of a sweep's trials; "state" at the beginning and when it changes. When the run no longer runs, the stream
// ends after its state. A client that comes back with Last-Event-ID gets the epochs after that one.
func (s *Server) apiEvents(w http.ResponseWriter, r *http.Request) error {
	dir, err := s.find(r.PathValue("name"))
	if err != nil {
		return err
	}
	leave, err := enter(s.limits.streams, maxStreams)
	if err != nil {
		return err
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	e := &eventStream{writer: w, control: http.NewResponseController(w), dir: dir}
	e.epochs, _ = strconv.Atoi(r.Header.Get("Last-Event-ID"))
	_ = e.control.SetReadDeadline(time.Time{}) // nothing more is read
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if over, err := e.poll(); over || err != nil {
			return nil // the run has ended, or the client has gone
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-s.limits.streaming.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// An eventStream is what a client has been told of a run.
type eventStream struct {
	writer  http.ResponseWriter
	control *http.ResponseController
	dir     runs.Dir
	stamp   string // of the folder, when it was last read
	epochs  int    // number of the last one
	trials  int
	offset  int64 // in progress.jsonl
	state   runs.State
	told    time.Time
}

// poll tells the client what is new. It is over when the run is.
func (e *eventStream) poll() (over bool, err error) {
	state := e.dir.State() // first: what a run writes before it ends is told before its end
	if stamp := e.dir.Stamp(); stamp != e.stamp {
		e.stamp = stamp
		for _, tell := range []func() error{e.tellEpochs, e.tellProgress, e.tellTrials} {
			if err := tell(); err != nil {
				return true, err
			}
		}
	}
	if state != e.state {
		e.state = state
		if err := e.send("state", 0, state); err != nil {
			return true, err
		}
	}
	if time.Since(e.told) > heartbeat {
		if err := e.write(": still there\n\n"); err != nil {
			return true, err
		}
	}
	return state.Name != runs.StateRunning, nil
}

// tellTrials sends how many trials a sweep has.
func (e *eventStream) tellTrials() error {
	trials, _, err := runs.ReadTrials[json.RawMessage](e.dir)
	if err != nil || len(trials) == e.trials {
		return nil
	}
	e.trials = len(trials)
	return e.send("trial", 0, map[string]int{"trials": e.trials})
}

func (e *eventStream) tellEpochs() error {
	epochs, _, err := e.dir.Epochs()
	if err != nil {
		return nil // read again when it changes
	}
	for _, epoch := range epochs {
		if epoch.Number <= e.epochs {
			continue
		}
		e.epochs = epoch.Number
		if err := e.send("epoch", epoch.Number, epoch); err != nil {
			return err
		}
	}
	return nil
}

// tellProgress sends the last of the new lines.
func (e *eventStream) tellProgress() error {
	lines, offset, err := e.dir.ProgressAfter(e.offset)
	if err != nil {
		return nil
	}
	e.offset = offset
	if len(lines) == 0 {
		return nil
	}
	return e.send("progress", 0, lines[len(lines)-1])
}

func (e *eventStream) send(name string, id int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	event := fmt.Sprintf("event: %s\ndata: %s\n\n", name, text)
	if id > 0 {
		event = fmt.Sprintf("id: %d\n", id) + event
	}
	return e.write(event)
}

func (e *eventStream) write(text string) error {
	e.told = time.Now()
	_ = e.control.SetWriteDeadline(e.told.Add(writeTimeout))
	if _, err := e.writer.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
