package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/renameio/v2"

	"lenet/picture"
)

// The images of a folder of pictures. Small pictures that all have one size are a set already: their grey values are taken as they are, light on dark. Any
// others are photographs and drawings: each is prepared as those that are to be classified later are. If many show no single digit, all are scaled
// as wholes.
//
// What comes of them is kept in the cache, so that it is done once.

// largestAsTheyAre is the longest side of pictures that are taken as they are.
const largestAsTheyAre = 64

// preparedPictures are the images that a folder's pictures became.
type preparedPictures struct {
	Rows, Cols int
	Kept       []int    // of the pictures, by their indices
	LeftOut    []string // why the others are not there
	Whole      bool     // they show no single digits, and are scaled as wholes
	Light      bool     // they were dark on light, and are inverted
	written             // the file with the images
	images     []uint8  // [len(Kept), Rows, Cols]
}

// preparedVersion changes when pictures are prepared in another way.
const preparedVersion = 2

// manyPictures is how many pictures take long enough to say so.
const manyPictures = 2000

// prepared returns the images of pictures, from the cache if they are there.
func (f *pictureFolder) prepared(ctx context.Context, all []labelledFile) (*preparedPictures, error) {
	id := sha256.New()
	fmt.Fprintln(id, preparedVersion)
	for _, p := range all {
		file, err := os.Open(p.path)
		if err != nil {
			continue // it is left out below
		}
		version, err := identify(file)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		relative, err := filepath.Rel(f.dir, p.path)
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		fmt.Fprintf(id, "%q %d %v\n", relative, p.class, version)
	}
	cache, err := CacheDir()
	if err != nil {
		return preparePictures(ctx, all)
	}
	name := filepath.Join(cache, "pictures", fmt.Sprintf("%x", id.Sum(nil)[:16]))
	if p := openPrepared(name, len(all)); p != nil {
		return p, nil
	}
	if len(all) >= manyPictures {
		f.log(fmt.Sprintf("reading the %d pictures in %s", len(all), f.dir))
	}
	p, err := preparePictures(ctx, all)
	if err == nil {
		p.save(name) // or it is done again the next time
	}
	return p, err
}

// openPrepared returns what save wrote of so many pictures, or nil.
func openPrepared(name string, pictures int) *preparedPictures {
	p := new(preparedPictures)
	if !readNote(name, p) {
		return nil
	}
	file, moved := openWritten(name, p.written)
	if file == nil {
		return nil
	}
	defer file.Close()
	images, err := mapFile(file, name, "")
	if err != nil || !p.take(images, pictures) {
		return nil
	}
	if moved {
		p.note(name, file)
	}
	return p
}

// take takes the images from a file, if they are those of which the note says that they were made from some of so many pictures.
func (p *preparedPictures) take(images *idxFile, pictures int) bool {
	if images.Type != Uint8 || !slices.Equal(images.Dims, []int{len(p.Kept), p.Rows, p.Cols}) || checkImages(images, images) != nil {
		return false
	}
	for i, kept := range p.Kept {
		if kept >= pictures || kept < 0 || i > 0 && kept <= p.Kept[i-1] {
			return false
		}
	}
	p.images = images.elements
	return true
}

// save writes the images as an IDX file, and the rest beside it. A folder that changes leaves its old images; the cache may be emptied at any time.
func (p *preparedPictures) save(name string) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return
	}
	idx := idxFile{Type: Uint8, Dims: []int{len(p.Kept), p.Rows, p.Cols}}
	content := append(idx.header(), p.images...)
	if err := renameio.WriteFile(name, content, 0o666); err != nil {
		return
	}
	file, err := os.Open(name)
	if err != nil {
		return
	}
	defer file.Close()
	p.SHA256 = fmt.Sprintf("%x", sha256.Sum256(content))
	p.note(name, file)
}

// note writes what is known of the images beside the open file that has them.
func (p *preparedPictures) note(name string, file *os.File) {
	var err error
	if p.written, err = noteWritten(file, p.SHA256); err == nil {
		writeNote(name, p)
	}
}

// preparePictures reads pictures, several at a time, until ctx ends.
func preparePictures(ctx context.Context, all []labelledFile) (*preparedPictures, error) {
	each := func(f func(i int)) {
		var group sync.WaitGroup
		var next atomic.Int64
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(all) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
					f(i)
				}
			})
		}
		group.Wait()
	}
	sizes, failed := make([]image.Point, len(all)), make([]error, len(all))
	each(func(i int) { sizes[i].X, sizes[i].Y, failed[i] = picture.Size(all[i].path) })
	frame, asTheyAre := frameOf(sizes, failed)
	images := make([][]uint8, len(all))
	read := func(f func(path string, frame picture.Frame) ([]uint8, error)) {
		each(func(i int) {
			if failed[i] == nil {
				images[i], failed[i] = f(all[i].path, frame)
			}
		})
	}
	p := &preparedPictures{Rows: frame.Rows, Cols: frame.Cols}
	if asTheyAre {
		read(greyLevels)
	} else {
		read(preparedPicture)
		if p.Whole = refuseMany(failed); p.Whole { // they are pictures of other things than digits
			read(scaledPicture)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if asTheyAre || p.Whole {
		p.Light = lightOnDark(images, frame.Rows, frame.Cols)
	}
	for i, pixels := range images {
		if failed[i] != nil {
			p.LeftOut = append(p.LeftOut, failed[i].Error())
			continue
		}
		p.Kept = append(p.Kept, i)
		p.images = append(p.images, pixels...)
	}
	if len(p.Kept) == 0 {
		return nil, fmt.Errorf("dataset: none of the pictures can be read: %w", failed[0])
	}
	return p, nil
}

// refuseMany says whether more than a third of the pictures that can be read show no digit, or several; if so, it takes their errors back.
func refuseMany(failed []error) bool {
	var refused []int
	readable := 0
	for i, err := range failed {
		var several *picture.SeveralError
		switch {
		case err == nil:
			readable++
		case errors.Is(err, picture.ErrNone) || errors.As(err, &several):
			readable++
			refused = append(refused, i)
		}
	}
	if 3*len(refused) <= readable {
		return false
	}
	for _, i := range refused {
		failed[i] = nil
	}
	return true
}

// scaledPicture returns the grey values of a whole picture, scaled to the frame's size.
func scaledPicture(path string, frame picture.Frame) ([]uint8, error) {
	img, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	return picture.Scaled(img, frame), nil
}

// preparedPicture returns a photograph or drawing as [picture.Prepare] makes it.
func preparedPicture(path string, frame picture.Frame) ([]uint8, error) {
	img, err := picture.Open(path)
	if err != nil {
		return nil, err
	}
	pixels, err := picture.Prepare(img, frame)
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", path, err)
	}
	return pixels, nil
}

// frameOf returns the size that pictures become, and whether they are taken as they are: those that can be read all have it.
func frameOf(sizes []image.Point, failed []error) (frame picture.Frame, asTheyAre bool) {
	var size image.Point
	for i, s := range sizes {
		switch {
		case failed[i] != nil:
		case size == image.Point{}:
			size = s
		case s != size:
			return picture.MNIST(28, 28), false
		}
	}
	if min(size.X, size.Y) < 16 || max(size.X, size.Y) > largestAsTheyAre {
		return picture.MNIST(28, 28), false
	}
	return picture.MNIST(size.Y, size.X), true
}
