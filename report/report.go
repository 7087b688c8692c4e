// Package report writes runs and sweeps as one HTML page, which needs nothing beside it: pictures are part of it.
package report

import (
	"bytes"
	"cmp"
	"context"
	_ "embed" // for the page
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"lenet/figure"
	"lenet/train"
	"lenet/tune"
)

// Options say what a page shows.
type Options struct {
	Folders []string `arg:"" optional:"" help:"Run and sweep folders. Without any, the newest run in runs/."`
	train.ComputeOptions
	Original bool   `help:"Put the figures of the original lab report beside these."`
	Title    string `placeholder:"TEXT" help:"The page's title."`
	Out      string `placeholder:"FILE" help:"The page to write, by default report.html in the folder that it shows first."`
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// content is what the page is made of.
type content struct {
	Title, Lead string
	Sections    []section
}

type section struct {
	dir             string // of its first run or sweep
	Title           string
	Texts           []string
	Plots, Pictures []template.HTML // SVG
	Tables, Details []table
	Settings        [][2]string
}

type table struct {
	Title string
	Head  []string
	Rows  [][]string
	Best  int // the row that is stressed, or -1
}

// Write writes the page, and returns its path.
//
// Errors: a folder that is missing, or holds neither a run nor a sweep; those of the data set, which the confusion matrix needs.
func Write(ctx context.Context, o Options, log func(string)) (string, error) {
	if err := o.ComputeOptions.Validate(); err != nil {
		return "", err
	}
	c := content{Title: o.Title, Lead: "Written by lenet on " + time.Now().Format("2 January 2006") + "."}
	var sweeps []*sweep
	var runs []string
	for _, dir := range o.Folders {
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("report: no run or sweep: %w", err)
		}
		if _, err := os.Stat(filepath.Join(dir, tune.TrialsFile)); errors.Is(err, fs.ErrNotExist) {
			runs = append(runs, dir)
			continue
		}
		result, config, err := tune.Read(dir)
		if err != nil {
			return "", err
		}
		sweeps = append(sweeps, &sweep{result, config})
	}
	if len(o.Folders) == 0 {
		runs = []string{""} // the newest
	}
	for _, group := range groups(sweeps) {
		s, err := sweepSection(group, o.Original)
		if err != nil {
			return "", err
		}
		c.Sections = append(c.Sections, *s)
	}
	for _, dir := range runs {
		s, err := runSection(ctx, dir, o, log)
		if err != nil {
			return "", err
		}
		c.Sections = append(c.Sections, *s)
	}
	if c.Title == "" {
		c.Title = "LeNet: " + c.Sections[0].Title
	}
	out := cmp.Or(o.Out, filepath.Join(c.Sections[0].dir, "report.html"))
	var b bytes.Buffer
	if err := page.Execute(&b, c); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	if err := renameio.WriteFile(out, b.Bytes(), 0o666); err != nil {
		return "", fmt.Errorf("report: writing the page: %w", err)
	}
	return out, nil
}

// drawn returns figures as parts of the page.
func drawn[F figure.Figure](figures ...F) ([]template.HTML, error) {
	var all []template.HTML
	for _, f := range figures {
		svg, err := figure.SVG(f)
		if err != nil {
			return nil, err
		}
		all = append(all, template.HTML(svg))
	}
	return all, nil
}

// settings returns a config's values, but for those that are empty, by name, and its versions after them.
func settings(config any) ([][2]string, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	versions, _ := values["versions"].(map[string]any)
	delete(values, "versions")
	var all [][2]string
	for _, part := range []map[string]any{values, versions} {
		for _, name := range slices.Sorted(maps.Keys(part)) {
			if value := strings.Trim(fmt.Sprint(part[name]), "[]"); value != "" && value != "0" && value != "false" {
				all = append(all, [2]string{strings.ReplaceAll(name, "_", " "), value})
			}
		}
	}
	return all, nil
}

// threads is how the page writes a number of threads.
func threads(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// accuracy is how the page writes an accuracy; one that is not known is a dash.
func accuracy(a float64, known bool) string {
	if !known {
		return "–"
	}
	return fmt.Sprintf("%.4f", a)
}
