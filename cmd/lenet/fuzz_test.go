package main

import (
	"encoding/json"
	"os"
	"testing"

	"lenet/badfile"
	"lenet/runs"
	"lenet/train"
	"lenet/tune"
)

var configBound = badfile.Bound{Times: 200, Plus: 64 << 20} // of a sweep of ten thousand trials

// FuzzConfig reads a file as a run's config.json, as a sweep's, and as that of train --config.
func FuzzConfig(f *testing.F) {
	dir, again := runs.Dir(f.TempDir()), runs.Dir(f.TempDir())
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(dir.Config(), text, 0o666); err != nil {
			t.Fatal(err)
		}
		configBound.Hold(t, len(text), func() {
			config, err := train.ReadConfig(dir)
			if err != nil {
				return
			}
			_ = config.Validate() // an error or nil
			if config.Started.Year() > 9999 || config.Started.Year() < 0 {
				return
			}
			if err := again.WriteConfig(config); err != nil {
				t.Fatal(err)
			}
			same, err := train.ReadConfig(again)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := jsonOf(t, config), jsonOf(t, same); a != b {
				t.Fatalf("%s, written and read again: %s", a, b)
			}
		})
		configBound.Hold(t, len(text), func() { _, _, _ = tune.Read(dir, func(string) {}) })
		configBound.Hold(t, len(text), func() {
			c := new(commands)
			parser := newParser(c)
			parser.Exit = func(int) { t.Fatal("the file ends the program") }
			if _, err := parser.Parse([]string{"train", "--config", dir.Config()}); err != nil {
				return
			}
			if c.Train.Pprof != "" || c.Train.Profile || c.Train.Plot || c.Train.NoProgress || c.Train.Out != "" || c.Train.Force {
				t.Fatalf("the file sets what is not part of a run: %+v", c.Train)
			}
			_ = c.Train.Options.Validate()
		})
	})
}

func jsonOf(t *testing.T, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
