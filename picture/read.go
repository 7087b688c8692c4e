package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/gif" // for image.Decode
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

const (
	// maxPixels is more than a camera's picture, and small enough to decode.
	maxPixels = 60e6
	// maxSide is the longest side that a JPEG or GIF file can state, pixels. Scaling takes memory in proportion to the longer side, too.
	maxSide = 1<<16 - 1
	// maxFile is more than an uncompressed picture of maxPixels takes with 16 bits a channel.
	maxFile = 512 << 20
)

// Extensions are the endings of the files that a folder of pictures is searched for, in lower case. Phones' pictures are among them, so that it is said that they
// cannot be read.
var Extensions = []string{".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}

// Open decodes a picture in a file; "-" is standard input. See [Decode].
func Open(path string) (image.Image, error) {
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("picture: %w", err)
		}
		defer file.Close()
	}
	picture, err := Decode(file)
	if err != nil {
		return nil, fmt.Errorf("picture: %s: %w", path, err)
	}
	return picture, nil
}

// Decode reads a PNG, JPEG, GIF (its first frame), WebP, BMP or TIFF picture. [Prepare] and [Split] turn it as its EXIF data say.
//
// Errors: another format; a picture that is broken, has more than 60 million pixels, or more than 65,535 in a row or column.
func Decode(r io.Reader) (image.Image, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(file) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d MB", maxFile>>20)
	}
	header, err := checkHeader(bytes.NewReader(file)) // before it is decoded
	if err != nil {
		return nil, err
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if whole := image.Rect(0, 0, header.Width, header.Height); picture.Bounds() != whole { // a GIF's first frame may be a part of it
		all := image.NewRGBA(whole)
		draw.Draw(all, picture.Bounds(), picture, picture.Bounds().Min, draw.Src)
		picture = all
	}
	if o := orientationOf(file); o != 1 {
		return &turned{picture, o}, nil
	}
	return picture, nil
}

// checkHeader returns what the beginning of a picture's file says of it, if it is one that can be read.
func checkHeader(file interface {
	io.Reader
	io.ReaderAt
}) (config image.Config, err error) {
	config, _, err = image.DecodeConfig(file)
	switch {
	case errors.Is(err, image.ErrFormat):
		start := make([]byte, 1024)
		n, _ := file.ReadAt(start, 0)
		err = unknownFormat(start[:n])
	case err == nil:
		err = checkSize(config.Width, config.Height)
	}
	return config, err
}

func checkSize(width, height int) error {
	switch {
	case width < 1 || height < 1:
		return fmt.Errorf("it has no pixels: it is %dx%d", width, height)
	case float64(width)*float64(height) > maxPixels:
		return fmt.Errorf("it has %dx%d pixels, more than %.0f million; scale it down", width, height, maxPixels/1e6)
	case max(width, height) > maxSide:
		return fmt.Errorf("it has %dx%d pixels, more than %d in a row or column; scale it down", width, height, maxSide)
	}
	return nil
}

// unknownFormat returns the error for a file that begins so and is no picture, or one of a kind that is not read.
func unknownFormat(start []byte) error {
	kind := ""
	switch {
	case len(start) == 0:
		return errors.New("the file is empty")
	case len(start) >= 12 && string(start[4:8]) == "ftyp":
		kind = "HEIC"
		if bytes.HasPrefix(start[8:], []byte("avi")) {
			kind = "AVIF"
		}
	case bytes.HasPrefix(start, []byte("%PDF")):
		kind = "PDF"
	case bytes.Contains(start, []byte("<svg")):
		kind = "SVG"
	case bytes.HasPrefix(start, []byte("\xff\x0a")), bytes.HasPrefix(start, []byte("\x00\x00\x00\x0cJXL ")):
		kind = "JPEG XL"
	case bytes.HasPrefix(start, []byte("8BPS")):
		kind = "Photoshop"
	}
	if kind != "" {
		return fmt.Errorf("%s files are not supported; export it as JPEG or PNG", kind)
	}
	return errors.New("it is not a PNG, JPEG, GIF, WebP, BMP or TIFF picture")
}
