package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"lenet/train"
)

var update = flag.Bool("update", false, "write docs/cli.md instead of comparing it")

// docs/cli.md is made of the flags' struct tags: by `make docs`.
func TestTheManualIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	want := manual(newParser(new(commands)))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/cli.md is not what the flags say: run `make docs` (%v)", err)
	}
}

const manualHead = `# The command line

<!-- Generated from the flags by ` + "`make docs`" + `. -->

A flag's value is the first of: the command line, the ` + "`--recipe`" + ` or ` + "`--config`" + ` given there, the environment variable, the default.
Lists such as ` + "`--lr 0.05,0.1`" + ` are written with commas.

`

const manualTail = `## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | a failure: one line on standard error says what, and what to do |
| 2 | a mistake in the command: one line names the flag |
| 130, 143, 129 | stopped by SIGINT (Ctrl-C), SIGTERM, or SIGHUP (a closed terminal; not with ` + "`" + `nohup` + "`" + `); the step was finished and the weights were saved |

## Environment

| variable | meaning |
| --- | --- |
| ` + "`LENET_DEVICE`" + ` | default of ` + "`--device`" + ` |
| ` + "`LENET_DEBUG`" + ` | set to anything, errors of libtorch keep their C++ stack trace |
| ` + "`OMP_NUM_THREADS`" + ` | how many threads there are without ` + "`--threads`" + `, in place of one for each CPU. An empty value, or one that is no number, counts as none; the OpenMP library in libtorch then prints ` + "`libgomp: Invalid value`" + ` as it is loaded, before ` + "`lenet`" + ` begins |
| ` + "`XDG_CACHE_HOME`" + ` | downloads go to ` + "`lenet/`" + ` below it, and otherwise below ` + "`~/.cache`" + ` |
| ` + "`ATEN_CPU_CAPABILITY`" + ` | ` + "`avx2` or `default`" + `: use narrower vector instructions than the processor has |
`

// manual returns docs/cli.md.
func manual(parser *kong.Kong) string {
	var b strings.Builder
	b.WriteString(manualHead)
	for _, command := range parser.Model.Children {
		fmt.Fprintf(&b, "## lenet %s\n\n%s\n\n", command.Name, command.Help)
		for _, argument := range command.Positional {
			fmt.Fprintf(&b, "`%s`: %s\n\n", argument.Summary(), argument.Help)
		}
		if len(command.Flags) == 0 {
			continue
		}
		b.WriteString("| flag | default | meaning |\n| --- | --- | --- |\n")
		for _, f := range command.Flags {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", flagName(f), defaultOf(f), strings.ReplaceAll(f.Help, "|", "\\|"))
		}
		b.WriteString("\n")
	}
	b.WriteString("## Recipes\n\n| recipe | sets |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(train.Recipes)) {
		var sets []string
		for _, flag := range slices.Sorted(maps.Keys(train.Recipes[name])) {
			text := "--" + flag + " " + train.Recipes[name][flag]
			switch train.Recipes[name][flag] {
			case "true":
				text = "--" + flag
			case "false":
				text = "--no-" + flag
			}
			sets = append(sets, "`"+text+"`")
		}
		if sets == nil {
			sets = []string{"nothing: the defaults are the lab report's final run"}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.Join(sets, " "))
	}
	b.WriteString("\n" + manualTail)
	return b.String()
}

func flagName(f *kong.Flag) string {
	switch {
	case f.Tag.Negatable != "":
		return "--[no-]" + f.Name
	case f.IsBool():
		return "--" + f.Name
	}
	return "--" + f.Name + " " + f.FormatPlaceHolder()
}

func defaultOf(f *kong.Flag) string {
	text := ""
	if f.HasDefault {
		text = "`" + f.Default + "`"
	}
	for _, variable := range f.Envs {
		text += " or `$" + variable + "`"
	}
	return text
}
