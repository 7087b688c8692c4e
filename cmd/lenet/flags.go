package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"lenet/train"
)

// A flag that is not on the command line has the value of the recipe there, if that has one; else that of --config's file; else that of its environment
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
var notRepeated = map[string]bool{"out": true, "force": true, "config": true}

// fromConfig returns the value that the config.json on the command line has for a flag, if any.
func fromConfig(command *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	path, ok := given(command, "config")
	if !ok || notRepeated[flag.Name] {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("%s does not hold the options of a run: %w", path, err)
	}
	value, ok := values[strings.ReplaceAll(flag.Name, "-", "_")]
	if !ok || value == "" {
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		var items []string
		for _, item := range list {
			items = append(items, fmt.Sprint(item))
		}
		return strings.Join(items, ","), nil
	}
	return fmt.Sprint(value), nil
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
