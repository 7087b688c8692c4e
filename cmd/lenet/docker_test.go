package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The container's first word is a command of lenet's, or else it trains.
func TestTheContainerTrainsUnlessACommandIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lenet"), []byte("#!/bin/sh\necho \"$@\"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                     "train",
		"--epochs 1":           "train --epochs 1",
		"--help":               "train --help",
		"info":                 "info",
		"predict --json a.png": "predict --json a.png",
	} {
		cmd := exec.Command("sh", append([]string{"../../scripts/docker-entrypoint.sh"}, strings.Fields(args)...)...)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q runs lenet %s(%v), want %s", args, out, err, want)
		}
	}
}

// .dockerignore keeps no source from the image's build: of its rules for a file or a folder above it, the last one decides.
func TestTheImageIsBuiltFromAllSources(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	ignored := func(file string) bool {
		ignored := false
		for line := range strings.Lines(string(rules)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			rule, kept := strings.CutPrefix(line, "!")
			rule = strings.NewReplacer(`\*\*/`, `(.*/)?`, `\*`, `[^/]*`).Replace(regexp.QuoteMeta(filepath.Clean(rule)))
			if regexp.MustCompile(`^` + rule + `(/.*)?$`).MatchString(file) {
				ignored = !kept
			}
		}
		return ignored
	}
	const files = `{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .CgoFiles}}{{$dir}}/{{.}}
{{end}}{{range .HFiles}}{{$dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}`
	out, err := exec.Command("go", "list", "-f", files, "lenet/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(strings.Fields(string(out)), root+"/go.mod", root+"/Makefile", root+"/scripts/link.sh", root+"/torchx/cc/network.cc") {
		file, err := filepath.Rel(root, path)
		if err != nil || ignored(file) {
			t.Errorf(".dockerignore leaves out %s (%v)", file, err)
		}
	}
	if !ignored("data/train-images-idx3-ubyte") || !ignored("runs/fast/config.json") {
		t.Error(".dockerignore lets data and runs into the image's build")
	}
}
