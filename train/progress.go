package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"lenet/metrics"
)

// A statusWriter writes status.json: that the run goes, and how it ended.
type statusWriter struct{ BaseObserver }

func (statusWriter) Start(r *Running) error { return r.Dir.WriteRunning() }

func (statusWriter) End(r *Running, err error) error {
	var interrupted *Interrupted
	if failed := r.Dir.WriteOutcome(err, errors.As(err, &interrupted)); err == nil && failed != nil { // an error that ended the run says it already, as of a full disk
		r.Log(failed.Error())
	}
	return nil
}

// A progressWriter writes progress.jsonl: how far the run is, ten times a second at most, and at the end of each epoch. It is for who watches, so a
// failure ends it and not the run.
type progressWriter struct {
	BaseObserver
	file   *os.File  // nil: nothing is written any longer
	failed error     // why
	began  time.Time // of what Seconds are counted from
	last   time.Time // of the last line
}

// Between two lines there are a tenth of a second or, in long runs, a ten thousandth of the time until now, but no more than a second.
const (
	progressOften  = 100 * time.Millisecond
	progressSeldom = time.Second
	progressLines  = 10_000
)

// Start leaves the lines of the epochs that are done, and goes on after their time.
func (w *progressWriter) Start(r *Running) error {
	last, err := r.Dir.KeepProgress(len(r.Summary.Epochs))
	if err == nil {
		w.file, err = r.Dir.AppendProgress()
	}
	w.failed = err
	before := max(last.Seconds, r.Summary.Seconds) + r.Session.before
	w.began = time.Now().Add(-time.Duration(before * float64(time.Second)))
	return nil
}

func (w *progressWriter) Step(r *Running, s Step) error {
	if w.file == nil {
		return nil
	}
	now := time.Now()
	if s.Sums.Images < r.Session.Images && now.Sub(w.last) < progressInterval(now.Sub(w.began)) {
		return nil
	}
	w.last = now
	line, err := json.Marshal(metrics.Progress{
		Epoch: s.Epoch, Images: s.Sums.Images, Of: r.Session.Images, Loss: s.Sums.Loss, Accuracy: s.Sums.Accuracy, Seconds: now.Sub(w.began).Seconds(),
	})
	if err != nil { // a loss that is not finite, which ends the run
		return nil
	}
	if _, w.failed = w.file.Write(append(line, '\n')); w.failed != nil {
		w.close()
	}
	return nil
}

// progressInterval returns the time between two lines, so long after the run began.
func progressInterval(elapsed time.Duration) time.Duration {
	return min(max(progressOften, elapsed/progressLines), progressSeldom)
}

// End tells of a failure, unless the run's own error does: most come of a full disk.
func (w *progressWriter) End(r *Running, err error) error {
	w.close()
	if err == nil && w.failed != nil {
		r.Log(fmt.Sprintf("the progress in %s was not written to its end: %v", r.Dir, w.failed))
	}
	return nil
}

func (w *progressWriter) close() {
	if w.file != nil {
		_ = w.file.Close() // what is lost of it is not missed
		w.file = nil
	}
}
