package main

import (
	"bytes"
	"os"
	"unicode/utf8"

	"golang.org/x/term"
)

// columnsOf returns the width of the terminal that a file is; false if it is none.
func columnsOf(file *os.File) (columns int, ok bool) {
	columns, _, err := term.GetSize(int(file.Fd()))
	return columns, err == nil && columns > 0
}

// fitting cuts what is written, from one carriage return or newline to the next, where the terminal's line ends. A bar that went on in the next line
// could not be written over, and would fill the screen.
type fitting struct{ file *os.File }

func (f fitting) Write(p []byte) (int, error) {
	columns, ok := columnsOf(f.file)
	if !ok {
		return f.file.Write(p)
	}
	var fit []byte
	for rest := p; len(rest) > 0; {
		end := bytes.IndexAny(rest, "\r\n") + 1
		if end == 0 {
			end = len(rest)
		}
		fit = append(fit, cut(rest[:end], columns-1)...)
		rest = rest[end:]
	}
	if _, err := f.file.Write(fit); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cut returns the first characters of a line, and its end.
func cut(line []byte, most int) []byte {
	text := bytes.TrimRight(line, "\r\n")
	if utf8.RuneCount(text) <= most {
		return line
	}
	return append([]byte(string([]rune(string(text))[:max(0, most)])), line[len(text):]...)
}
