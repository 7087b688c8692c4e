package picture

import (
	"image"
	"slices"
)

// Stages prepares a picture, and shows what each stage makes of it.
func Stages(picture image.Image, frame Frame, show func(stage string, img image.Image)) error {
	p := pipeline{trace: func(stage string, result any) { show(stage, view(result, frame)) }}
	_, err := p.one(picture, frame)
	return err
}

// view returns a stage's result as a picture.
func view(result any, frame Frame) image.Image {
	grey := func(p *plane) image.Image {
		scaled := newPlane(p.w, p.h)
		copy(scaled.v, p.v)
		scaled.scale(1 / max(slices.Max(p.v), 1e-6))
		return &image.Gray{Pix: scaled.bytes(), Stride: p.w, Rect: image.Rect(0, 0, p.w, p.h)}
	}
	switch r := result.(type) {
	case *pixels:
		out := image.NewRGBA(image.Rect(0, 0, r[0].w, r[0].h))
		for c := range r {
			for i, v := range r[c].bytes() {
				out.Pix[4*i+c] = v
			}
		}
		return out
	case *plane:
		return grey(r)
	case *ink:
		p := newPlane(r.w, r.h)
		for i, set := range r.all.set {
			switch {
			case r.set[i]:
				p.v[i] = 1
			case set: // a line
				p.v[i] = 0.3
			}
		}
		return grey(&p)
	case []uint8:
		return &image.Gray{Pix: r, Stride: frame.Cols, Rect: image.Rect(0, 0, frame.Cols, frame.Rows)}
	}
	return nil
}
