package predict_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

type rgb [3]float64 // 0 to 255

var (
	white, black, cream = rgb{255, 255, 255}, rgb{0, 0, 0}, rgb{250, 240, 215}
	blue, red, green    = rgb{30, 50, 160}, rgb{200, 30, 30}, rgb{20, 120, 40}
	slate               = rgb{40, 60, 50}
)

// A scene is a picture of a digit, as somebody may bring it.
type scene struct {
	w, h        int
	pen         float64 // pixels
	rough       bool    // pixels have ink or none
	size        float64 // the digit's square, as a share of the shorter side
	right, down float64 // of the middle, share of the sides
	turn        float64 // degrees
	ink, ground rgb
	texture     float64 // standard deviation of a paper's texture, of 255
	noise       float64 // of each pixel
	squares     float64 // pixels between the lines of squared paper; 0: none
	rules       float64 // of ruled paper
	line        rgb     // their colour
	lineWidth   float64
	border      float64 // width of a frame, pixels; 0: none
	borderAt    float64 // its distance from the edges, share of the shorter side
	light       func(x, y float64) float64
	dust        int
	clear       bool // the ground is transparent
	blur        int
	quality     int // of JPEG; 0: it is none
}

func gradient(r *rand.Rand, least float64) func(x, y float64) float64 {
	sin, cos := math.Sincos(between(r, 0, 2*math.Pi))
	return func(x, y float64) float64 { return 1 - (1-least)*(0.5+0.5*(cos*(2*x-1)+sin*(2*y-1))/1.5) }
}

// shadow is as dark as least beyond an edge across the picture, which is soft over a share of the picture.
func shadow(r *rand.Rand, least, soft float64) func(x, y float64) float64 {
	sin, cos := math.Sincos(between(r, 0, 2*math.Pi))
	at := between(r, -0.15, 0.15)
	return func(x, y float64) float64 {
		d := (cos*(x-0.5) + sin*(y-0.5) - at) / soft
		return least + (1-least)/(1+math.Exp(-4*d))
	}
}

func vignette(x, y float64) float64 {
	return 1 - 0.55*((x-0.5)*(x-0.5)+(y-0.5)*(y-0.5))*2
}

// render returns a scene's picture of a digit.
func (s *scene) render(digit, hand int, r *rand.Rand) image.Image {
	c := &canvas{s.w, s.h, make([]float64, s.w*s.h)}
	side := float64(min(s.w, s.h))
	shape := strokes(digit, hand, r)
	slant, wide := between(r, -0.12, 0.12), between(r, 0.85, 1.15)
	for _, stroke := range shape {
		for i, p := range stroke {
			stroke[i].x = 0.5 + (p.x-0.5)*wide - slant*(p.y-0.5)
		}
	}
	cx, cy := float64(s.w)*(0.5+s.right), float64(s.h)*(0.5+s.down)
	c.draw(shape, cx, cy, s.size*side, s.turn+between(r, -3, 3), s.pen, !s.rough)
	for range s.dust {
		c.draw([][]point{{{0.5, 0.5}, {0.5, 0.5 + r.Float64()*0.01}}}, between(r, 0, float64(s.w)), between(r, 0, float64(s.h)), side, 0, between(r, 1, 4), true)
	}
	for range s.blur {
		c.blur()
	}
	lines := s.paper()
	texture := &canvas{s.w, s.h, nil}
	if s.texture > 0 {
		texture = smoothNoise(s.w, s.h, r)
	}
	out := image.NewNRGBA(image.Rect(0, 0, s.w, s.h))
	for y := range s.h {
		for x := range s.w {
			i := y*s.w + x
			ink, light := c.ink[i], 1.0
			if s.light != nil {
				light = s.light(float64(x)/float64(s.w), float64(y)/float64(s.h))
			}
			grain := 0.0
			if texture.ink != nil {
				grain = s.texture * texture.ink[i]
			}
			if s.noise > 0 {
				grain += s.noise * r.NormFloat64()
			}
			var v [3]uint8
			for k := range v {
				ground := s.ground[k]
				if lines != nil {
					ground += (s.line[k] - ground) * lines.ink[i]
				}
				v[k] = uint8(math.Min(math.Max((ground+(s.ink[k]-ground)*ink)*light+grain, 0), 255))
			}
			alpha := uint8(255)
			if s.clear {
				v, alpha = [3]uint8{uint8(s.ink[0]), uint8(s.ink[1]), uint8(s.ink[2])}, uint8(255*ink)
			}
			out.SetNRGBA(x, y, color.NRGBA{v[0], v[1], v[2], alpha})
		}
	}
	return out
}

// paper returns the lines of the paper and a frame.
func (s *scene) paper() *canvas {
	if s.squares == 0 && s.rules == 0 && s.border == 0 {
		return nil
	}
	c := &canvas{s.w, s.h, make([]float64, s.w*s.h)}
	w, h := float64(s.w), float64(s.h)
	far := 2 * math.Max(w, h)
	sin, cos := math.Sincos(s.turn * math.Pi / 180)
	line := func(at float64, down bool) { // through a point at a distance from the middle
		dx, dy := cos, sin
		if down {
			dx, dy = -sin, cos
		}
		x, y := w/2-dy*at, h/2+dx*at
		c.segment(point{x - far*dx, y - far*dy}, point{x + far*dx, y + far*dy}, s.lineWidth, true)
	}
	if gap := s.squares + s.rules; gap > 0 {
		for at := -math.Hypot(w, h)/2 + gap/3; at < math.Hypot(w, h)/2; at += gap {
			line(at, false)
			if s.squares > 0 {
				line(at, true)
			}
		}
	}
	if s.border > 0 {
		d := s.borderAt * math.Min(w, h)
		x0, y0, x1, y1 := d, d, w-d, h-d
		for _, p := range [][2]point{{{x0, y0}, {x1, y0}}, {{x1, y0}, {x1, y1}}, {{x1, y1}, {x0, y1}}, {{x0, y1}, {x0, y0}}} {
			c.segment(p[0], p[1], s.border, true)
		}
	}
	return c
}
