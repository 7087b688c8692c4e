package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"lenet/option"
	"lenet/runs"
	"lenet/train"
)

// A flag that is not on the command line has the value of the recipe there or of --config's file, if that has one; else that of its environment
// variable; else its default.

// fromRecipe returns the value that the recipe on the command line has for a flag, if any.
func fromRecipe(command *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if name, ok := given(command, "recipe"); ok {
		if value, ok := train.Recipes[name][flag.Name]; ok {
			return value, nil
		}
	}
	return nil, nil
}

// notRepeated are the flags that --config does not set: where a run goes is not part of what it is.
var notRepeated = map[string]bool{"out": true, "force": true}

// BeforeResolve reads --config's file.
func (c *trainCommand) BeforeResolve(command *kong.Context) error {
	path, ok := given(command, "config")
	if !ok {
		return nil
	}
	if _, ok := given(command, "recipe"); ok {
		return option.Errorf("recipe", "and --config are two sets of options; give one of the two")
	}
	c.repeatedIn = runs.Dir(filepath.Dir(path))
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		c.repeatedIn, path = runs.Dir(path), runs.Dir(path).Config()
	}
	if err := runs.ReadConfig(path, &c.repeated); err != nil {
		return option.Errorf("config", "cannot be used: %v", err)
	}
	return nil
}

// repeated are the options in a config.json, as they stand there.
type repeated map[string]json.RawMessage

// UnmarshalJSON refuses what is not a run's.
func (r *repeated) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, new(train.Config)); err != nil {
		return err
	}
	return json.Unmarshal(text, (*map[string]json.RawMessage)(r))
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
