package picture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Named reports whether a file's name ends as a picture's that can be read.
func Named(path string) bool {
	return slices.Contains(Extensions, strings.ToLower(filepath.Ext(path)))
}

// Size returns the size of the picture in a file, in pixels, as it is stored; it is not decoded.
func Size(path string) (width, height int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("picture: %w", err)
	}
	defer file.Close()
	config, err := checkHeader(file)
	if err != nil {
		return 0, 0, fmt.Errorf("picture: %s: %w", path, err)
	}
	return config.Width, config.Height, nil
}

// SizeOf is [Size] for a file's bytes.
//
// Errors: those of [Decode] that the beginning of a file shows.
func SizeOf(file []byte) (width, height int, err error) {
	config, err := checkHeader(bytes.NewReader(file))
	return config.Width, config.Height, err
}
