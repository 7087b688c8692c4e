package dataset

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"lenet/option"
)

// ReadClasses returns the names of classes in a UTF-8 file: a name a line, in the order of the labels. Empty lines and comments, after #, are left out.
// Lines may begin with the label, in any order, as in "3 cat", "3,cat" and "3: cat", below a heading or not; and EMNIST's mapping files
// have the code of the character behind it, as in "10 65" for A.
//
// Errors: [option.Error] for a file that holds no names, or the same one twice.
func ReadClasses(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, option.Errorf("classes", "cannot be read: %v", err)
	}
	return parseClasses(text, path)
}

// parseClasses is [ReadClasses] for a file's text.
func parseClasses(text []byte, path string) ([]string, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return nil, option.Errorf("classes", "%s is not a text in UTF-8; save it as one", path)
	}
	space := func(r rune) rune { // a name is shown on one line
		if unicode.IsControl(r) || r == '\uFEFF' {
			return ' '
		}
		return r
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(strings.Map(space, line)); name != "" && name[0] != '#' {
			names = append(names, name)
		}
	}
	if ordered := byLabel(names); ordered != nil {
		names = ordered
	} else if len(names) > 0 {
		if ordered := byLabel(names[1:]); ordered != nil { // below a heading
			names = ordered
		}
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

var labelledLine = regexp.MustCompile(`^(\d{1,3})(?:\s*[,;:=]\s*|\s+)(.+)$`)

// byLabel returns the names in lines that begin with labels, in the order of these, which are consecutive; or nil for lines of another kind.
func byLabel(lines []string) []string {
	names := map[int]string{}
	first, codes := maxClasses, true
	for _, line := range lines {
		match := labelledLine.FindStringSubmatch(line)
		if match == nil {
			return nil
		}
		label, _ := strconv.Atoi(match[1])
		names[label] = strings.TrimSpace(match[2])
		first = min(first, label)
		code, err := strconv.ParseUint(strings.Fields(match[2])[0], 10, 21)
		codes = codes && err == nil && code > ' ' && unicode.IsPrint(rune(code))
	}
	var ordered []string
	for label := first; label < first+len(lines); label++ {
		name, ok := names[label]
		if !ok {
			return nil
		}
		if codes {
			code, _ := strconv.Atoi(strings.Fields(name)[0])
			name = string(rune(code))
		}
		ordered = append(ordered, name)
	}
	return ordered
}
