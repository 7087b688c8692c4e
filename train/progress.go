package train

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"lenet/metrics"
)

// A statusWriter writes status.json: that the run goes, and how it ended.
type statusWriter struct{ BaseObserver }

func (statusWriter) Start(r *Running) error { return r.Dir.WriteRunning() }

func (statusWriter) End(r *Running, err error) error {
	var interrupted *Interrupted
	if failed := r.Dir.WriteOutcome(err, errors.As(err, &interrupted)); failed != nil { // as where the disk is full, which has ended the run
		r.Log(failed.Error())
	}
	return nil
}

// A progressWriter writes progress.jsonl: how far the run is, ten times a second at most. It is for who watches, so a failure ends it and not the run.
type progressWriter struct {
	BaseObserver
	file  *os.File // nil: nothing is written any longer
	began time.Time
	last  time.Time
}

// Between two lines there are a tenth of a second or, in long runs, a ten thousandth of the time until now, but no more than a second.
const (
	progressOften  = 100 * time.Millisecond
	progressSeldom = time.Second
	progressLines  = 10_000
)

func (w *progressWriter) Start(r *Running) error {
	w.began = time.Now()
	err := r.Dir.KeepProgress(len(r.Summary.Epochs))
	if err == nil {
		w.file, err = r.Dir.AppendProgress()
	}
	if err != nil {
		r.Log(err.Error())
	}
	return nil
}

func (w *progressWriter) Step(r *Running, s Step) error {
	now := time.Now()
	interval := min(max(progressOften, now.Sub(w.began)/progressLines), progressSeldom)
	if s.Sums.Images >= r.Session.Images { // an epoch's last step
		interval = progressOften
	}
	if w.file == nil || now.Sub(w.last) < interval {
		return nil
	}
	w.last = now
	line, err := json.Marshal(metrics.Progress{
		Epoch: s.Epoch, Images: s.Sums.Images, Of: r.Session.Images, Loss: s.Sums.Loss, Accuracy: s.Sums.Accuracy, Seconds: now.Sub(w.began).Seconds(),
	})
	if err != nil { // a loss that is not finite, which ends the run
		return nil
	}
	if _, err = w.file.Write(append(line, '\n')); err != nil {
		r.Log("the progress is not written any longer: " + err.Error())
		w.close()
	}
	return nil
}

func (w *progressWriter) End(*Running, error) error {
	w.close()
	return nil
}

func (w *progressWriter) close() {
	if w.file != nil {
		_ = w.file.Close() // what is lost of it is not missed
		w.file = nil
	}
}
