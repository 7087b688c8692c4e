package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"lenet/option"
	"lenet/runs"
	"lenet/train"
)

// A flag that is not on the command line has the value of the recipe there, of --config's file or of --resume's run, if that has one; else that of its
// environment variable; else its default.

// fromRecipe returns the value that the recipe on the command line has for a flag, if any.
func fromRecipe(command *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if name, ok := given(command, "recipe"); ok {
		if value, ok := train.Recipes[name][flag.Name]; ok {
			return value, nil
		}
	}
	return nil, nil
}

// notRepeated are the flags that --config and --resume do not set: where a run goes is not part of what it is.
var notRepeated = map[string]bool{"out": true, "force": true}

// BeforeResolve reads --config's file, or the options of --resume's run.
func (c *trainCommand) BeforeResolve(command *kong.Context) error {
	config, repeats := given(command, "config")
	resumed, resumes := given(command, "resume")
	if !repeats && !resumes {
		return nil
	}
	for _, other := range []struct {
		flag     string
		conflict bool
	}{{"config", repeats && resumes}, {"recipe", true}, {"out", resumes}, {"force", resumes}} {
		if _, ok := given(command, other.flag); ok && other.conflict {
			return option.Errorf(other.flag, "and --%s do not go together; give one of the two", map[bool]string{true: "resume", false: "config"}[resumes])
		}
	}
	if resumes {
		return c.readResumed(runs.Dir(resumed))
	}
	c.repeatedIn = runs.Dir(filepath.Dir(config))
	if info, err := os.Stat(config); err == nil && info.IsDir() {
		c.repeatedIn, config = runs.Dir(config), runs.Dir(config).Config()
	}
	if err := runs.ReadConfig(config, &c.repeated); err != nil {
		return option.Errorf("config", "cannot be used: %v", err)
	}
	return nil
}

// readResumed reads the options of a run that is to be resumed.
func (c *trainCommand) readResumed(dir runs.Dir) error {
	config, err := train.ResumedConfig(dir, func(string) {}) // train.Resume tells of damaged files
	if err != nil {
		return option.Errorf("resume", "cannot be used: %v", err)
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	c.repeatedIn = dir
	return json.Unmarshal(text, &c.repeated)
}

// repeated are the options in a config.json, as they stand there.
type repeated map[string]json.RawMessage

// UnmarshalJSON refuses what is not a run's.
func (r *repeated) UnmarshalJSON(text []byte) error {
	config := new(train.Config)
	if err := json.Unmarshal(text, config); err != nil {
		return err
	}
	if err := json.Unmarshal(text, (*map[string]json.RawMessage)(r)); err != nil {
		return err
	}
	options, err := json.Marshal(config.Options)
	if err != nil {
		return err
	}
	var known map[string]json.RawMessage
	if err := json.Unmarshal(options, &known); err != nil {
		return err
	}
	// Flags that are no options of a run, as --pprof, which names a file to write, are not for a file to set.
	maps.DeleteFunc(*r, func(key string, _ json.RawMessage) bool { _, ok := known[key]; return !ok })
	return nil
}

// fromConfig returns the value that --config's file has for a flag, if any.
func (c *trainCommand) fromConfig(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := c.repeated[strings.ReplaceAll(flag.Name, "-", "_")]
	if !ok || notRepeated[flag.Name] {
		return nil, nil
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		if text == "" { // as where nothing was given; null, too
			return nil, nil
		}
		if flag.Name == "data" || flag.Name == "classes" {
			return c.repeatedIn.Locate(text)
		}
		return text, nil
	}
	var list bytes.Buffer
	if err := json.Compact(&list, value); err != nil {
		return nil, err
	}
	return strings.Trim(list.String(), "[]"), nil // a number, a boolean, or a list, as flags write them
}

// given returns the value of a flag that is on the command line.
func given(command *kong.Context, name string) (string, bool) {
	for _, path := range command.Path {
		if path.Flag != nil && path.Flag.Name == name && !path.Resolved {
			return fmt.Sprint(command.FlagValue(path.Flag)), true
		}
	}
	return "", false
}
