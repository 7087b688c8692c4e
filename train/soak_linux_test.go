//go:build soak

package train_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/metrics"
	"lenet/predict"
	"lenet/runs"
	"lenet/torchx"
	"lenet/train"
)

// A footprint is what a process holds of the system.
type footprint struct {
	resident                                int // KiB in RAM, once Go has given back what it does not use
	files, goroutines, threads, mappedAreas int
}

func measure(t *testing.T) (f footprint) {
	t.Helper()
	debug.FreeOSMemory()
	for line := range bytes.Lines(read(t, "/proc/self/status")) {
		if fields := strings.Fields(string(line)); fields[0] == "VmRSS:" {
			f.resident, _ = strconv.Atoi(fields[1])
		}
	}
	if f.resident == 0 {
		t.Fatal("/proc/self/status has no VmRSS")
	}
	f.files, f.threads = entries(t, "/proc/self/fd"), entries(t, "/proc/self/task")
	f.goroutines, f.mappedAreas = runtime.NumGoroutine(), bytes.Count(read(t, "/proc/self/maps"), []byte("\n"))
	return f
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A growth watches what a loop's process holds, from the end of its warm-up on.
type growth struct {
	warm  footprint
	began time.Time
}

func (g *growth) begin(t *testing.T) { g.warm, g.began = measure(t), time.Now() }

// check fails the test where the process holds more than after the warm-up: 5 MB, a file, a goroutine, a thread, or a hundred mapped areas, into which
// allocators divide their memory now and then.
func (g *growth) check(t *testing.T, what string) {
	t.Helper()
	now := measure(t)
	line := fmt.Sprintf("%s: %.1f s; %d KiB more than %d; files %d, %d before; goroutines %d, %d; threads %d, %d; mapped areas %d, %d", what,
		time.Since(g.began).Seconds(), now.resident-g.warm.resident, g.warm.resident, now.files, g.warm.files, now.goroutines, g.warm.goroutines,
		now.threads, g.warm.threads, now.mappedAreas, g.warm.mappedAreas)
	t.Log(line)
	if now.resident-g.warm.resident > 5_000_000/1024 || now.files > g.warm.files || now.goroutines > g.warm.goroutines || now.threads > g.warm.threads ||
		now.mappedAreas > g.warm.mappedAreas+100 {
		t.Error("it holds more than after the warm-up: " + line)
	}
}

// startThreads makes Go start more threads than the tests need at once, so that it starts none later.
func startThreads() {
	var started, group sync.WaitGroup
	const n = 16
	started.Add(n)
	for range n {
		group.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			started.Wait()
		})
	}
	group.Wait()
}

// soak calls f n times after a quarter as many calls that warm up.
func soak(t *testing.T, n int, what string, f func() error) {
	t.Helper()
	var g growth
	for i := range n/4 + n {
		if i == n/4 {
			g.begin(t)
		}
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	g.check(t, fmt.Sprintf("%d %s", n, what))
}

// epochSoak measures at the end of the warm-up and at the end of the run.
type epochSoak struct {
	train.BaseObserver
	t      *testing.T
	growth growth
}

func (e *epochSoak) Epoch(r *train.Running, m metrics.Epoch) error {
	const written = 500 * time.Millisecond // in the background: the files of the last epochs
	switch m.Number {
	case r.Options.Epochs / 11:
		time.Sleep(written)
		e.growth.begin(e.t)
	case r.Options.Epochs:
		time.Sleep(written)
		e.growth.check(e.t, fmt.Sprintf("%d epochs of %d images", r.Options.Epochs-r.Options.Epochs/11, r.Session.Images))
	}
	return nil
}

// As `lenet train` does it: with the files of a run, which each epoch writes.
func TestSoakEpochs(t *testing.T) {
	startThreads()
	for _, recipe := range []string{"report", "fast"} {
		o := options(t, 256, 64)
		o.Epochs, o.Threads = 2200, 2
		if recipe == "fast" {
			o.Activation, o.Momentum, o.Nesterov, o.LearningRate, o.Augment.Shift, o.LabelSmoothing, o.EMA = "relu", 0.9, true, 0.01, 1, 0.05, 0.9
		}
		t.Log(recipe)
		if _, err := train.Run(t.Context(), o, "test", func(string) {}, &epochSoak{t: t}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSoakSessionsAndDataSets(t *testing.T) {
	startThreads()
	o := options(t, 256, 64)
	o.Threads = 2
	release, err := o.Use()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	silent := func(string) {}
	data, err := o.Source.Load(t.Context(), silent)
	if err != nil {
		t.Fatal(err)
	}
	epoch := func(data *dataset.Data) error {
		s, err := train.NewSession(o, data, silent)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Epoch(t.Context(), 1, func(torchx.Sums) error { return nil })
		return err
	}
	soak(t, 200, "sessions", func() error { return epoch(data) })
	soak(t, 200, "loads of a data set, each trained on once", func() error {
		data, err := o.Source.Load(t.Context(), silent)
		if err != nil {
			return err
		}
		return epoch(data)
	})
	mnist := dataset.Source{Dataset: "mnist"}
	soak(t, 200, "loads of MNIST", func() error {
		data, err := mnist.Load(t.Context(), silent)
		if err == nil && data.Train.Len() != 60000 {
			err = fmt.Errorf("%d images", data.Train.Len())
		}
		return err
	})
}

func TestSoakSavedNetworks(t *testing.T) {
	startThreads()
	o := options(t, 256, 256)
	o.Threads = 2
	run(t, o)
	saved := predict.Options{Model: o.Out, Resources: o.Resources}
	silent := func(string) {}
	soak(t, 200, "saved networks opened", func() error {
		net, err := predict.Open(t.Context(), saved, silent)
		if err == nil {
			net.Close()
		}
		return err
	})
	net, err := predict.Open(t.Context(), saved, silent)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	weights := runs.Dir(o.Out).Weights()
	soak(t, 200, "loads of weights", func() error { return net.Load(weights) })
	test, err := net.Test(t.Context(), silent)
	if err != nil {
		t.Fatal(err)
	}
	soak(t, 10000, "evaluations of 256 images", func() error {
		_, err := net.Evaluate(t.Context(), test)
		return err
	})
	soak(t, 500, "pictures in files", func() error {
		_, err := net.Pictures(t.Context(), "../examples/classify/three.png", false)
		return err
	})
	soak(t, 500, "rows of digits", func() error {
		_, err := net.Pictures(t.Context(), "../examples/classify/three.png", true)
		return err
	})
	// With two threads, each of Go's threads that a classifier has been on keeps one of libtorch's: no more than a few, but which ones is chance.
	saved.Threads = 1
	soak(t, 1000, "classifiers, of ten pictures each", func() error { return classify(t, saved) })
}

// classify opens a classifier, which computes on a thread of its own, and classifies test images.
func classify(t *testing.T, o predict.Options) error {
	c, err := predict.NewClassifier(t.Context(), o, func(string) {})
	if err != nil {
		return err
	}
	defer c.Close()
	_, test := datasettest.MNIST(t)
	for i := range 10 {
		img := image.NewGray(image.Rect(0, 0, test.Cols, test.Rows))
		copy(img.Pix, test.Images[i*len(img.Pix):])
		if _, err := c.Classify(t.Context(), img); err != nil {
			return err
		}
	}
	return nil
}
