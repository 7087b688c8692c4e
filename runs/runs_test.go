package runs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"lenet/metrics"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// options returns those of a run.
func options(epochs int) any {
	return struct {
		Epochs int `json:"epochs"`
		Provenance
	}{epochs, Provenance{Started: noon}}
}

func made(t *testing.T) Dir {
	t.Helper()
	d, err := New(filepath.Join(t.TempDir(), "a", "run"), "", noon, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Make(options(3)); err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func epoch(number int, loss float64) metrics.Epoch {
	e := metrics.Epoch{Number: number}
	e.Add(metrics.Train, metrics.Loss, loss)
	return e
}

func TestAFolderGivesBackWhatWasWritten(t *testing.T) {
	d := made(t)
	config := struct{ Epochs, Other int }{Other: 7}
	if err := d.ReadConfig(&config); err != nil || config.Epochs != 3 || config.Other != 7 {
		t.Errorf("config %+v (%v)", config, err)
	}
	want := []metrics.Epoch{epoch(1, 0.5), epoch(2, 0.25)}
	for _, e := range want {
		if err := d.AppendEpoch(e); err != nil {
			t.Fatal(err)
		}
	}
	if got, cut, err := d.Epochs(); !reflect.DeepEqual(got, want) || cut != nil || err != nil {
		t.Errorf("epochs %v, cut %v (%v)", got, cut, err)
	}
}

func TestAFolderIsOverwrittenOnlyIfAsked(t *testing.T) {
	d := made(t)
	if err := d.AppendEpoch(epoch(1, 0.5)); err != nil {
		t.Fatal(err)
	}
	var exists *ExistsError
	if _, err := New(string(d), "", noon, false); !errors.As(err, &exists) || exists.Dir != d {
		t.Errorf("error %v", err)
	}
	d, err := New(string(d), "", noon, true)
	if err == nil {
		err = d.Make(map[string]int{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if epochs, _, err := d.Epochs(); len(epochs) != 0 || err != nil {
		t.Errorf("the measures of the run before are still there: %v (%v)", epochs, err)
	}
}

// A run that failed in its first epoch leaves its options, and perhaps an event file.
func TestOptionsAloneAreNoRun(t *testing.T) {
	d := made(t)
	write(t, d.file("events.out.tfevents.1.lenet"), "")
	again, err := New(string(d), "", noon, false)
	if err == nil {
		err = again.Make(options(4))
	}
	config := struct{ Epochs int }{}
	if err := errors.Join(err, again.ReadConfig(&config)); err != nil || config.Epochs != 4 || exists(d.file("events.out.tfevents.1.lenet")) {
		t.Errorf("config %+v (%v)", config, err)
	}
	write(t, d.Weights(), "")
	var refused *ExistsError
	if _, err := New(string(d), "", noon, false); !errors.As(err, &refused) || refused.File != weightsFile {
		t.Errorf("with weights: %v", err)
	}
}

func TestAFolderHasOneWriter(t *testing.T) {
	d := Dir(filepath.Join(t.TempDir(), "a", "run"))
	release, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if _, err := d.Lock(); !errors.As(err, &busy) || busy.Dir != d {
		t.Errorf("a second writer: %v", err)
	}
	release()
	if release, err = d.Lock(); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestAnotherProgramsConfigIsNotOverwritten(t *testing.T) {
	for _, text := range []string{`{"architectures": ["LeNet"]}`, "[1]", "no JSON"} {
		d := Dir(t.TempDir())
		write(t, d.Config(), text)
		write(t, d.Page(), "")
		var refused *ExistsError
		if _, err := New(string(d), "", noon, false); !errors.As(err, &refused) || !refused.Foreign {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := New(string(d), "", noon, true); err != nil || d.Make(nil) != nil || !exists(d.Page()) {
			t.Errorf("%s, overwritten: %v, or the page beside it is gone", text, err)
		}
	}
}

func TestFoldersOfOneSecondDiffer(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, want := range []Dir{"runs/tune-2026-01-02T12-00-00", "runs/tune-2026-01-02T12-00-00-2", "runs/tune-2026-01-02T12-00-00-3"} {
		d, err := New("", "tune-", noon, false)
		if err == nil {
			err = d.Make(nil)
		}
		if d != want || err != nil {
			t.Errorf("folder %s (%v), want %s", d, err, want)
		}
	}
}

// A process that was killed leaves part of a line; an editor may leave out the last line's end, which is no harm.
func TestLinesThatAreNotWholeAreSaidAndTheOthersAreUsed(t *testing.T) {
	d := made(t)
	for text, want := range map[string]struct {
		epochs int
		cut    []int
	}{
		"":                                       {0, nil},
		"{\"epoch\":1}\n":                        {1, nil},
		"{\"epoch\":1}\n{\"epo":                  {1, []int{2}},
		"{\"epoch\":1}\n{\"epoch\":2}":           {2, nil},
		"{\"epoch\":1}\n\x00\x00\x00":            {1, []int{2}},
		"{\"epo":                                 {0, []int{1}},
		"{\"epoch\":1}\n{\"epoch\":2}\n":         {2, nil},
		"{\"epoch\":1}\n\n{\"epoch\":2}\n":       {2, nil},
		"{\"epo\n{\"epoch\":2}\n\n{\"epoch\":\n": {1, []int{1, 4}},
	} {
		write(t, d.file(metricsFile), text)
		epochs, cut, err := d.Epochs()
		if err != nil || len(epochs) != want.epochs || (cut != nil) != (want.cut != nil) || cut != nil && !slices.Equal(cut.Lines, want.cut) {
			t.Errorf("%q: %d epochs, cut %v (%v)", text, len(epochs), cut, err)
		}
	}
	if got, want := (&Cut{"a", []int{1, 4}}).String(), "a: without line 1, line 4, which cannot be read"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTrialsAreReadLineByLine(t *testing.T) {
	type trial struct{ Number int }
	d := made(t)
	if trials, cut, err := ReadTrials[trial](d); trials != nil || cut != nil || err != nil || d.IsSweep() {
		t.Errorf("without a file: %v, %v (%v)", trials, cut, err)
	}
	if err := d.WriteConfig(map[string]int{"jobs": 2}); err != nil || !d.IsSweep() {
		t.Errorf("the options of a sweep before its first trial: %v", err)
	}
	if err := errors.Join(d.AppendTrial(trial{1}), d.AppendTrial(trial{2})); err != nil {
		t.Fatal(err)
	}
	if trials, cut, err := ReadTrials[trial](d); !reflect.DeepEqual(trials, []trial{{1}, {2}}) || cut != nil || err != nil || !d.IsSweep() {
		t.Errorf("%v, %v (%v)", trials, cut, err)
	}
	if err := WriteTrials(d, []trial{{3}}); err != nil {
		t.Fatal(err)
	}
	if trials, _, err := ReadTrials[trial](d); !reflect.DeepEqual(trials, []trial{{3}}) || err != nil {
		t.Errorf("written anew: %v (%v)", trials, err)
	}
}

func TestFindWeights(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, _, err := FindWeights(""); !errors.Is(err, ErrNone) {
		t.Errorf("no run: %v", err)
	}
	for i, name := range []string{"runs/new", "runs/old", "elsewhere"} {
		if err := os.MkdirAll(name, 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, Dir(name).Weights(), "")
		if err := os.Chtimes(Dir(name).Weights(), noon, noon.Add(-time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]Dir{"": "runs/new", "runs/old": "runs/old", "elsewhere/model.safetensors": "elsewhere"} {
		if weights, dir, err := FindWeights(path); dir != want || weights != want.Weights() || err != nil {
			t.Errorf("%q: %s in %s (%v)", path, weights, dir, err)
		}
	}
	for _, path := range []string{"runs", "runs/none"} {
		if _, _, err := FindWeights(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
