package picture

import (
	"errors"
	"fmt"
	"image"
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
	config, _, err := image.DecodeConfig(file)
	switch {
	case errors.Is(err, image.ErrFormat):
		start := make([]byte, 1024)
		n, _ := file.ReadAt(start, 0)
		err = unknownFormat(start[:n])
	case err == nil:
		err = checkSize(config.Width, config.Height)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("picture: %s: %w", path, err)
	}
	return config.Width, config.Height, nil
}
