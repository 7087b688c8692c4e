package predict

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lenet/picture"
)

// A Picture is a file's picture, or a digit of it, and what the network takes it for.
type Picture struct {
	Path   string  `json:"file"`
	Digit  int     `json:"digit,omitempty"` // from 1, from left to right, of a picture that was split; else 0
	*Class         // nil: there is an error
	Error  string  `json:"error,omitempty"`
	Pixels []uint8 `json:"-"` // [Rows, Cols], what the network saw
}

// Files returns the files that paths name: of a folder all pictures in it, by name, but not those in folders below it.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if path == "-" || err != nil || !info.IsDir() { // reading it gives the error
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("predict: %w", err)
		}
		before := len(files)
		for _, e := range entries {
			if name := e.Name(); !e.IsDir() && name[0] != '.' && picture.Named(name) {
				files = append(files, filepath.Join(path, name))
			}
		}
		if len(files) == before {
			return nil, fmt.Errorf("predict: there are no pictures in the folder %s (names that end in %s)", path, strings.Join(picture.Extensions, ", "))
		}
	}
	return files, nil
}

// Pictures returns the prediction for a file's picture of one digit, or with split for each digit of a row. The path "-" is standard input.
//
// Errors: those of [picture.Open], [picture.Prepare] and [picture.Split]; ctx's.
func (n *Network) Pictures(ctx context.Context, path string, split bool) ([]Picture, error) {
	img, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	images, err := Prepare(img, n.Frame(), split)
	if err != nil {
		return nil, fmt.Errorf("picture: %s: %w", path, err)
	}
	probabilities, err := n.Probabilities(ctx, slices.Concat(images...))
	if err != nil {
		return nil, err
	}
	var pictures []Picture
	for i, p := range probabilities {
		class := n.classOf(p)
		pictures = append(pictures, Picture{Path: path, Class: &class, Pixels: images[i]})
		if split {
			pictures[i].Digit = i + 1
		}
	}
	return pictures, nil
}

// Prepare normalizes a picture of one digit, or with split each digit of a row, from left to right: images of [Rows, Cols] pixels.
//
// Errors: those of [picture.Prepare] and [picture.Split].
func Prepare(img image.Image, frame picture.Frame, split bool) ([][]uint8, error) {
	if split {
		return picture.Split(img, frame)
	}
	pixels, err := picture.Prepare(img, frame)
	return [][]uint8{pixels}, err
}
