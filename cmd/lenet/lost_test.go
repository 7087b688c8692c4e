package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lenet/runs"
)

// A page of a run whose data are gone has what the run wrote down. Other runs on the page are whole.
func TestTheReportOfARunWithoutItsData(t *testing.T) {
	whole := learnt(t)
	lost, old, broken := learnt(t), learnt(t), learnt(t)
	gone := filepath.Join(t.TempDir(), "gone")
	setOption(t, runs.Dir(lost).Config(), "data", gone)
	setOption(t, runs.Dir(old).Config(), "data", gone) // and the size of its images is not known, as in an old version's
	setOption(t, runs.Dir(old).Config(), "network", nil)
	rewrite(t, runs.Dir(old).Weights(), withoutMetadata)
	setOption(t, runs.Dir(broken).Config(), "data", t.TempDir()) // holds no images
	for name, c := range map[string]struct{ run, why string }{
		"lost":           {lost, "The data are not there: they were looked for in " + gone + ". So"},
		"an old version": {old, "The data are not there: they were looked for in " + gone + ". So"},
		"broken":         {broken, "The data set cannot be used ("},
	} {
		stdout, stderr, code := inProcess(t, "report", "--device=cpu", "--threads=1", c.run, whole, "--out=page.html")
		page, err := os.ReadFile("page.html")
		if err != nil || code != 0 || stdout != "wrote page.html\n" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "lenet: "+c.run) || !strings.Contains(stderr, "the confusion matrix, the predictions and the mistakes are left out") {
			t.Errorf("%s: exit code %d, standard error %q (%v)", name, code, stderr, err)
			continue
		}
		first, second, _ := strings.Cut(string(page), `<section id="s1">`)
		for _, want := range []string{c.why, "the confusion matrix, the predictions and the mistakes are left out.", "Test accuracy of the last epoch 0.", "after 6 epochs in", "<svg", "Every epoch", "<dt>lr</dt>", "<dt>libtorch</dt>"} {
			if !strings.Contains(first, want) {
				t.Errorf("%s: the section lacks %q", name, want)
			}
		}
		if strings.Contains(first, "Confusion matrix") || !strings.Contains(second, "Confusion matrix") {
			t.Errorf("%s: a confusion matrix without data, or none of the other run", name)
		}
	}
}
