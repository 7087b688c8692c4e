// Package web holds what the pages of lenet report and lenet serve are made of: a style sheet and scripts, without libraries.
package web

import "embed"

// Files are the style sheet and the scripts.
//
//go:embed *.css *.js
var Files embed.FS

// Drawing are the scripts of a canvas that a network reads, in their order.
var Drawing = []string{"prepare.js", "network.js", "draw.js"}

// Text returns a file's text. It panics for a name that [Files] lacks.
func Text(name string) string {
	text, err := Files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
