// Package option is what the options of all commands share: struct tags that describe them, their defaults, and the error of an invalid
// value.
//
// An option is a field of a struct with kong's tags (https://github.com/alecthomas/kong). Its help may name a list of [Names] as ${list}.
package option

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// An Error reports an option's invalid value: a mistake of whoever gave it, not a failure of the program.
type Error struct {
	Option  string // its name, as "batch-size"
	Problem string // what is wrong and what is right, as "is 0 and must be 1 or more"
}

func (e *Error) Error() string { return e.Option + " " + e.Problem }

// Errorf returns the [Error] of an option, with a formatted problem.
func Errorf(option, problem string, values ...any) error {
	return &Error{option, fmt.Sprintf(problem, values...)}
}

// OneOf returns an [Error] unless the value is one of the names.
func OneOf(option, value string, names []string) error {
	if slices.Contains(names, value) {
		return nil
	}
	return Errorf(option, "is %q and must be %s", value, List(names))
}

// Share returns an [Error] unless the value is 0 or more, and less than 1.
func Share(option string, value float64) error {
	if value >= 0 && value < 1 {
		return nil
	}
	return Errorf(option, "is %v and must be 0 or more, and less than 1", value)
}

// AtLeast returns an [Error] unless the value is least or more.
func AtLeast(option string, value, least int) error {
	if value >= least {
		return nil
	}
	return Errorf(option, "is %d and must be %d or more", value, least)
}

// First returns the first error that is not nil.
func First(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// List returns names as a sentence has them: "a, b or c".
func List(names []string) string {
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return strings.Join(names, "")
}

// Names are lists of names for help texts, by the word that stands for them there.
type Names map[string][]string

// Join returns the lists of all.
func Join(all ...Names) Names {
	joined := Names{}
	for _, names := range all {
		maps.Copy(joined, names)
	}
	return joined
}

// Vars returns the lists as kong wants them.
func (n Names) Vars() kong.Vars {
	vars := kong.Vars{}
	for word, names := range n {
		vars[word] = List(names)
	}
	return vars
}

// Defaults sets the options in a struct to the defaults in its tags.
func Defaults(options any, names Names) {
	if err := kong.ApplyDefaults(options, names.Vars()); err != nil {
		panic(fmt.Sprintf("option: the tags of %T: %v", options, err)) // they are constant, and tested
	}
}
