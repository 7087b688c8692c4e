package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lenet/runs"
)

// Whatever became of the measures, the page shows the rest, and no number that is none.
func TestTheReportOfARunThatWasCutShort(t *testing.T) {
	run := learnt(t)
	path := filepath.Join(run, "metrics.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n") // of 6 epochs
	for _, c := range []struct{ name, metrics, notice, text string }{
		{"last line cut", string(whole[:len(whole)-20]), "without line 6, which cannot be read", "after 5 epochs in"},
		{"first line cut", lines[0][9:] + lines[1], "without line 1, which cannot be read", "after 1 epoch in"},
		{"cut in the first epoch", "{\"epo", "without line 1, which cannot be read", "No epoch was measured"},
		{"empty", "", "", "No epoch was measured"},
		{"missing", "-", "", "No epoch was measured"},
	} {
		if err := os.WriteFile(path, []byte(c.metrics), 0o666); err != nil {
			t.Fatal(err)
		}
		if c.metrics == "-" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		_, stderr, code := inProcess(t, "report", "--device=cpu", "--original", run)
		page, err := os.ReadFile(runs.Dir(run).Page())
		if err != nil || code != 0 || !strings.Contains(stderr, c.notice) || (c.notice == "") != (stderr == "") {
			t.Errorf("%s: exit code %d, standard error %q (%v)", c.name, code, stderr, err)
		}
		text := withoutScripts(page)
		if !strings.Contains(text, c.text) || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s: the page lacks %q, or has a NaN", c.name, c.text)
		}
	}
}

func TestASweepThatWasCutShortIsReadAndResumed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, stderr, code := from(t, dir, "tune", "--data", smallData(t, 60, 10), "--validation=10", "--lr=0.1,0.2,0.3", "--epochs=1", "--device=cpu", "--out=sweep"); code != 0 {
		t.Fatal(stderr)
	}
	path := filepath.Join(dir, "sweep", "tune.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-20], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := from(t, dir, "report", "--device=cpu", "sweep"); code != 0 || !strings.Contains(stderr, "without line 3") {
		t.Errorf("report: exit code %d, %s", code, stderr)
	}
	for _, text := range []string{string(whole[:len(whole)-20]), "", "{\"tri"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := from(t, dir, "tune", "--resume=sweep"); code != 0 {
			t.Errorf("resumed with %q: exit code %d, %s", text, code, stderr)
		}
		if again, err := os.ReadFile(path); err != nil || strings.Count(string(again), "\n") != 3 {
			t.Errorf("resumed with %q: %s (%v)", text, again, err)
		}
	}
}

// A page of runs/* has what there is.
func TestAReportLeavesOutWhatHasNoResultsYet(t *testing.T) {
	run, none, sweep := learnt(t), t.TempDir(), emptySweep(t)
	stdout, stderr, code := inProcess(t, "report", "--device=cpu", none, run, sweep, "--out=page.html")
	for _, want := range []string{none + " holds no trained network; it is left out", "the sweep in " + sweep + " has no trials yet; it is left out"} {
		if code != 0 || stdout != "wrote page.html\n" || strings.Count(stderr, "\n") != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, standard error %q, want %q", code, stderr, want)
		}
	}
	if _, stderr, code := inProcess(t, "report", "--device=cpu", none, none); code != exitFailure || !strings.Contains(stderr, "holds no trained network; name the folder") {
		t.Errorf("of nothing: exit code %d, standard error %q", code, stderr)
	}
}

var script = regexp.MustCompile(`(?s)<script.*?</script>`)

// withoutScripts returns what one reads on a page.
func withoutScripts(page []byte) string { return string(script.ReplaceAll(page, nil)) }
