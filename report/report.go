// Package report writes runs and sweeps as one self-contained HTML page.
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
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lenet/compute"
	"lenet/figure"
	"lenet/option"
	"lenet/predict"
	"lenet/runs"
	"lenet/train"
	"lenet/tune"
	"lenet/web"
)

// Options say what a page shows.
type Options struct {
	Folders []string `arg:"" optional:"" help:"Folders of runs and sweeps. Default: the newest run in runs/."`
	compute.Resources
	Original bool   `help:"Show the original lab report's figures beside runs and sweeps that are configured as its own were."`
	Title    string `placeholder:"TEXT" help:"The page's title."`
	Out      string `placeholder:"FILE" help:"File to write. Default: report.html in the first folder that it shows."`
}

// Defaults returns the options of a page of the newest run.
func Defaults() (o Options) {
	option.Defaults(&o, train.Names)
	return o
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// content is the data of the page's template.
type content struct {
	Title, Lead string
	Style       template.CSS
	Scripts     template.JS // where there is a canvas to draw on
	Sections    []section
}

type section struct {
	dir             runs.Dir          // of its first run or sweep
	options         map[string]string // of its first run or sweep
	Title           string
	Texts           []string
	Plots           []template.HTML // SVG
	Pictures        []picture
	Tables, Details []table
	Network         *predict.Description // for a canvas to draw on
	Settings        [][2]string
}

// A picture is drawn, or a table that stands among them.
type picture struct {
	SVG   template.HTML
	Width int // in pixels, of a picture that is too wide for half of the page
	Table *table
}

type table struct {
	Title string
	Head  []string
	Rows  [][]string
	Best  int // the row in bold, or -1
}

// Write writes the page and returns its path.
//
// Of several folders, those of runs and sweeps that have no results yet are left out, with a notice. So are the parts of a run's section for which its
// data cannot be had.
//
// Errors: a folder that is missing; [runs.EmptyError], if all are left out; weights that cannot be used.
func Write(ctx context.Context, o Options, log func(string)) (string, error) {
	if err := o.Resources.Validate(); err != nil {
		return "", err
	}
	c := content{Title: o.Title, Lead: "Written by lenet on " + time.Now().Format("2 January 2006") + ".", Style: template.CSS(web.Text("style.css"))}
	var sweeps []*sweep
	var folders []string // of runs
	var empty *runs.EmptyError
	leftOut := func(err error) bool {
		if len(o.Folders) < 2 || !errors.As(err, &empty) {
			return false
		}
		log(err.Error() + "; it is left out")
		return true
	}
	for _, dir := range o.Folders {
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("report: no run or sweep: %w", err)
		}
		if !runs.Dir(dir).IsSweep() {
			folders = append(folders, dir)
			continue
		}
		result, config, err := tune.Read(runs.Dir(dir), log)
		if leftOut(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		sweeps = append(sweeps, &sweep{result, config})
	}
	if len(o.Folders) == 0 {
		folders = []string{""} // the newest
	}
	grouped, err := groups(sweeps)
	if err != nil {
		return "", err
	}
	for _, group := range grouped {
		s, err := sweepSection(group, o.Original)
		if err != nil {
			return "", err
		}
		c.Sections = append(c.Sections, *s)
	}
	for _, dir := range folders {
		s, err := runSection(ctx, dir, o, true, log)
		if leftOut(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		c.Sections = append(c.Sections, *s)
	}
	if len(c.Sections) == 0 {
		return "", empty
	}
	if slices.ContainsFunc(c.Sections, func(s section) bool { return s.Network != nil }) {
		for _, name := range web.Drawing {
			c.Scripts += template.JS(web.Text(name))
		}
	}
	tellApart(c.Sections)
	if c.Title == "" {
		c.Title = "LeNet: " + c.Sections[0].Title
	}
	out := cmp.Or(o.Out, c.Sections[0].dir.Page())
	var b bytes.Buffer
	if err := page.Execute(&b, c); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return out, runs.WriteFile(out, b.Bytes())
}

// drawn returns figures as elements of the page.
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

// describe sets the section's options, and lists those that are not empty on the page, with the versions after them.
func (s *section) describe(config any) error {
	text, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	versions, _ := values["versions"].(map[string]any)
	delete(values, "versions")
	delete(values, "network")
	s.options = texts(values)
	for _, part := range []map[string]string{s.options, texts(versions)} {
		for _, name := range slices.Sorted(maps.Keys(part)) {
			unused := name == "dataset" && part["data"] != ""
			if value := part[name]; value != "" && value != "0" && value != "false" && !unused {
				s.Settings = append(s.Settings, [2]string{name, value})
			}
		}
	}
	return nil
}

// texts returns names and values as the page writes them.
func texts(values map[string]any) map[string]string {
	all := map[string]string{}
	for name, value := range values {
		all[strings.ReplaceAll(name, "_", " ")] = strings.Trim(fmt.Sprint(value), "[]")
	}
	return all
}

// circumstances are the options that titles leave out.
var circumstances = []string{"started", "out", "force", "recipe", "mirror", "jobs", "threads"}

// tellApart adds to sections with the same title the options that they differ in, and where these are equal too, their folders.
func tellApart(sections []section) {
	for _, same := range sameTitles(sections) {
		var differing []string
		for _, name := range optionNames(same) {
			if slices.ContainsFunc(same, func(s *section) bool { return s.options[name] != same[0].options[name] }) {
				differing = append(differing, name)
			}
		}
		if len(differing) == 0 {
			continue
		}
		for _, s := range same {
			var parts []string
			for _, name := range differing {
				value := cmp.Or(s.options[name], "none")
				if name == "data" { // a folder's whole path is among the settings
					value = filepath.Base(value)
				}
				parts = append(parts, name+" "+value)
			}
			s.Title += " (" + strings.Join(parts, ", ") + ")"
		}
	}
	for _, same := range sameTitles(sections) {
		for _, s := range same {
			s.Title += " (" + string(s.dir) + ")"
		}
	}
}

// optionNames returns the names of all options of sections, but for the circumstances.
func optionNames(sections []*section) []string {
	names := map[string]bool{}
	for _, s := range sections {
		for name := range s.options {
			names[name] = true
		}
	}
	for _, name := range circumstances {
		delete(names, name)
	}
	return slices.Sorted(maps.Keys(names))
}

// sameTitles returns the sections that share a title, for each such title.
func sameTitles(sections []section) (all [][]*section) {
	byTitle := map[string][]*section{}
	for i := range sections {
		s := &sections[i]
		byTitle[s.Title] = append(byTitle[s.Title], s)
	}
	for _, same := range byTitle {
		if len(same) > 1 {
			all = append(all, same)
		}
	}
	return all
}

// counted returns a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// accuracy returns an accuracy with four decimals, or a dash if it is not known.
func accuracy(a float64, known bool) string {
	if !known {
		return "–"
	}
	return fmt.Sprintf("%.4f", a)
}
