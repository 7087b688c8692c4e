// Package picture reads pictures of one digit, or of another subject, and prepares them the way a network's training images were.
//
// The stages, in order; each is a small function in the file of its name:
//
//	upright    a decoded picture, turned as its EXIF data say and shrunk to about a megapixel:     [4][H, W] premultiplied red, green, blue, alpha, 0 to 1
//	contrast   how far each pixel is from the ground towards the ink, whatever their colours are:   [H, W], 0 is the ground
//	ink        the pixels that are ink, without ruled lines, frames, specks and noise:              [H, W] of bool
//	subject    the connected parts of the ink that make one digit, or each digit of a row:          a crop of contrast and ink, [h, w]
//	thickness  strokes thinner than those of the training images are widened to their width:       [h', w'], 0 to 1
//	scale      to fit the frame's box, in proportion:                                              at most [BoxRows, BoxCols]
//	placed     with its centre where the training images have theirs:                              [Rows, Cols] uint8, 0 is the ground
package picture

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
)

// A Centre says what of a subject lies at the frame's centre.
type Centre string

// The kinds of centres.
const (
	OfMass Centre = "mass" // the mean place of its ink, as in MNIST
	OfBox  Centre = "box"  // the middle of its bounding box
)

// A Frame says how a set's images hold their subject: how a picture has to be prepared for a network that was trained on them.
// [Measure] finds it.
type Frame struct {
	Rows int `json:"rows"` // pixels of an image
	Cols int `json:"cols"`

	BoxRows int `json:"box_rows"` // pixels of the box that the subject is scaled to fit
	BoxCols int `json:"box_cols"`

	Centre    Centre  `json:"centre,omitempty"`     // what lies at (CentreCol, CentreRow); "" is OfMass
	CentreRow float64 `json:"centre_row,omitempty"` // pixels from the image's upper edge; 0: the middle
	CentreCol float64 `json:"centre_col,omitempty"` // pixels from the image's left edge; 0: the middle

	Stroke float64 `json:"stroke,omitempty"` // typical width of a stroke, pixels; 0: the subjects are not drawn with strokes

	Whole bool `json:"whole,omitempty"` // the subjects lie anywhere: a picture is scaled as a whole
	Light bool `json:"light,omitempty"` // the set's own pictures are dark on light: those that are taken whole are inverted
}

// MNIST returns the frame of MNIST's images (LeCun, Cortes, Burges, "The MNIST database"): of 28x28 pixels, where the digit fills a box of
// 20x20. Their centres of mass are half a pixel right of and below the middle, and their strokes are 2.5 pixels wide. For other sizes, all is
// in proportion.
func MNIST(rows, cols int) Frame {
	part := float64(min(rows, cols)) / 28
	box := int(math.Round(20 * part))
	return Frame{
		Rows: rows, Cols: cols, BoxRows: box, BoxCols: box,
		Centre: OfMass, CentreRow: float64(rows)/2 + 0.5, CentreCol: float64(cols)/2 + 0.5, Stroke: mnistStroke * part,
	}
}

// mnistStroke is the typical width of MNIST's strokes, as [Measure] finds it.
const mnistStroke = 2.5

// centre returns the place of what lies at the centre, pixels.
func (f *Frame) centre() (x, y float64) {
	return cmp.Or(f.CentreCol, float64(f.Cols)/2), cmp.Or(f.CentreRow, float64(f.Rows)/2)
}

// Validate returns an error for a frame that no set has, as a damaged file's may be.
func (f *Frame) Validate() error {
	if f.Rows < 1 || f.Cols < 1 || f.BoxRows < 1 || f.BoxCols < 1 || f.BoxRows > f.Rows || f.BoxCols > f.Cols ||
		!(f.Stroke >= 0 && f.Stroke <= thickest*float64(min(f.BoxRows, f.BoxCols))) {
		return fmt.Errorf("a frame of %+v is none", *f)
	}
	return nil
}

// thickest is the share of the box that strokes are wide at most. [Measure] finds no wider ones; beyond them, the widening of strokes would have no end.
const thickest = 0.5

// ErrNone means that a picture shows no digit: it is empty, or holds nothing but paper, lines, specks or noise.
var ErrNone = errors.New("there is no digit in it")

// A SeveralError means that a picture shows more than one digit where one was expected.
type SeveralError struct{ Count int }

func (e *SeveralError) Error() string { return fmt.Sprintf("it shows %d digits, not one", e.Count) }

// Prepare normalizes a picture of one digit, as the package's comment says. It returns [Rows, Cols] pixels.
//
// Errors: [ErrNone]; a [SeveralError]; a picture that is too large.
func Prepare(picture image.Image, frame Frame) ([]uint8, error) {
	return new(pipeline).one(picture, frame)
}

// Split normalizes each digit of a row, from left to right, to [Rows, Cols] pixels.
//
// Errors: [ErrNone]; a picture that is too large.
func Split(picture image.Image, frame Frame) ([][]uint8, error) {
	return new(pipeline).split(picture, frame)
}

// A pipeline runs the stages.
type pipeline struct {
	trace func(stage string, result any) // gets each stage's result, for pictures of them; nil: nobody
}

func (p *pipeline) done(stage string, result any) {
	if p.trace != nil {
		p.trace(stage, result)
	}
}

func (p *pipeline) one(picture image.Image, frame Frame) ([]uint8, error) {
	if err := check(picture, frame); err != nil {
		return nil, err
	}
	if same := size(picture) == image.Pt(frame.Cols, frame.Rows); frame.Whole || same && frame.Stroke == 0 {
		return wholePicture(picture, frame), nil
	}
	subjects, err := p.subjects(picture, frame)
	if err != nil {
		return nil, err
	}
	if len(subjects) > 1 {
		return nil, &SeveralError{len(subjects)}
	}
	return p.normalize(subjects[0], frame), nil
}

func (p *pipeline) split(picture image.Image, frame Frame) ([][]uint8, error) {
	if err := check(picture, frame); err != nil {
		return nil, err
	}
	if frame.Whole {
		return nil, errors.New("the network was trained on whole pictures, in which nothing is told apart")
	}
	subjects, err := p.subjects(picture, frame)
	if err != nil {
		return nil, err
	}
	var digits [][]uint8
	for _, s := range subjects {
		digits = append(digits, p.normalize(s, frame))
	}
	return digits, nil
}

// check refuses a damaged file's frame, and a picture that is too large.
func check(picture image.Image, frame Frame) error {
	if err := frame.Validate(); err != nil {
		return err
	}
	return checkSize(picture.Bounds().Dx(), picture.Bounds().Dy())
}

// subjects runs the stages that look at the whole picture. It returns one subject at least.
func (p *pipeline) subjects(picture image.Image, frame Frame) ([]subject, error) {
	pixels := upright(picture)
	p.done("upright", pixels)
	c := newContrast(pixels, frame)
	p.done("contrast", &c.plane)
	for range rounds {
		ink, ok := c.ink()
		if !ok {
			break
		}
		p.done("ink", ink)
		if found := findSubjects(c, ink, frame); len(found) > 0 {
			return found, nil
		}
		c.erase(ink) // lines and frames alone: there may be paler ink besides
	}
	return nil, ErrNone
}

// rounds is how often ink is looked for after something else, which was darker, has been erased.
const rounds = 3

// normalize runs the stages that look at one subject.
func (p *pipeline) normalize(s subject, frame Frame) []uint8 {
	p.done("subject", &s.plane)
	if s.asIs(frame) {
		image := s.whole.bytes()
		p.done("placed", image)
		return image
	}
	thick := s.thickness(frame)
	p.done("thickness", thick)
	small := scale(thick, frame)
	p.done("scale", small)
	image := place(small, frame)
	p.done("placed", image)
	return image
}
