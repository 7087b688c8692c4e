package train

import (
	"errors"
	"fmt"
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

// A progressWriter writes progress.jsonl: how far the run is, ten times a second at most, and at the end of each epoch. It is for who watches, so an
// error ends it and not the run.
type progressWriter struct {
	BaseObserver
	err   error     // why nothing is written any longer
	began time.Time // of what Seconds are counted from
	last  time.Time // of the last line
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
	w.err = err
	before := max(last.Seconds, r.Summary.Seconds) + r.Session.before
	w.began = time.Now().Add(-time.Duration(before * float64(time.Second)))
	return nil
}

func (w *progressWriter) Step(r *Running, s Step) error {
	now := time.Now()
	if w.err != nil || s.Sums.Images < r.Session.Images && now.Sub(w.last) < progressInterval(now.Sub(w.began)) {
		return nil
	}
	w.last = now
	w.err = r.Dir.AppendProgress(metrics.Progress{
		Epoch: s.Epoch, Images: s.Sums.Images, Of: r.Session.Images, Loss: s.Sums.Loss, Accuracy: s.Sums.Accuracy, Seconds: now.Sub(w.began).Seconds(),
	})
	return nil
}

// progressInterval returns the time between two lines, so long after the run began.
func progressInterval(elapsed time.Duration) time.Duration {
	return min(max(progressOften, elapsed/progressLines), progressSeldom)
}

// End tells of its error, unless the run's own does: most come of a full disk.
func (w *progressWriter) End(r *Running, err error) error {
	if err == nil && w.err != nil {
		r.Log(fmt.Sprintf("the progress in %s was not written to its end: %v", r.Dir, w.err))
	}
	return nil
}
