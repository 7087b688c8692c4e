package dataset

import (
	"os"
	"strconv"
	"strings"

	"lenet/option"
)

// readClasses returns the names of classes in a file: a name a line, in the order of the labels; or lines of a label and the code of its
// character, as in EMNIST's mapping files ("10 65" for A).
//
// Errors: [option.Error] for a file that holds no names, or the same one twice.
func readClasses(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, option.Errorf("classes", "cannot be read: %v", err)
	}
	var names []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\uFEFF")) {
		if name := strings.TrimSpace(line); name != "" {
			names = append(names, name)
		}
	}
	if mapped := characters(names); mapped != nil {
		names = mapped
	}
	if n := len(names); n < 2 || n > maxClasses {
		return nil, option.Errorf("classes", "%s has %d names, one a line, and there can be 2 to %d", path, n, maxClasses)
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return nil, option.Errorf("classes", "%s has the name %q twice", path, name)
		}
		seen[name] = true
	}
	return names, nil
}

// characters returns the characters of a mapping from labels, which are consecutive, to codes; or nil for lines of another kind.
func characters(lines []string) []string {
	var names []string
	first := 0
	for i, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil
		}
		label, err := strconv.Atoi(fields[0])
		if i == 0 {
			first = label
		}
		code, codeErr := strconv.ParseUint(fields[1], 10, 21)
		if err != nil || codeErr != nil || label != first+i || code <= ' ' {
			return nil
		}
		names = append(names, string(rune(code)))
	}
	return names
}
