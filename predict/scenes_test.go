package predict_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"
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
	quality     int // of JPEG; 0: PNG
}

// A kind of pictures, with how a scene of it differs from black ink of 10 pixels on a white sheet of 280x280.
type kind struct {
	name  string
	count int
	set   func(s *scene, r *rand.Rand)
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// photo makes a scene a photograph: large, blurred, with noise and light from one side.
func photo(s *scene, r *rand.Rand) {
	s.w, s.h = 900, 1200
	s.size, s.pen = between(r, 0.3, 0.7), between(r, 8, 25)
	s.ground, s.ink = pick(r, rgb{215, 212, 205}, rgb{200, 205, 210}, rgb{225, 215, 190}), pick(r, rgb{35, 35, 45}, rgb{40, 50, 130}, rgb{150, 40, 40})
	s.texture, s.noise, s.blur, s.quality = 3, 4, 2, 80
	s.light = gradient(r, 0.75)
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

var kinds = []kind{
	{"pen of 1 px on 280, rough", 14, func(s *scene, r *rand.Rand) { s.pen, s.rough = 1, true }},
	{"pen of 1 px on 280, smooth", 14, func(s *scene, r *rand.Rand) { s.pen = 1.2 }},
	{"pen of 1 px on 500", 14, func(s *scene, r *rand.Rand) { s.w, s.h, s.pen, s.rough = 500, 500, 1, true }},
	{"pen of 2 to 4 px on 280 to 800", 14, func(s *scene, r *rand.Rand) {
		s.w = 280 + r.IntN(520)
		s.h, s.pen = s.w, between(r, 2, 4)
	}},
	{"pen of 5 to 15 px on 280", 14, func(s *scene, r *rand.Rand) { s.pen = between(r, 5, 15) }},
	{"pen of 20 to 40 px on 280", 14, func(s *scene, r *rand.Rand) { s.pen, s.size = between(r, 20, 40), 0.8 }},
	{"40x40, pen of 1 to 5 px", 14, func(s *scene, r *rand.Rand) { s.w, s.h, s.pen, s.size = 40, 40, between(r, 1, 5), 0.9 }},
	{"64x48, pen of 2 to 6 px", 10, func(s *scene, r *rand.Rand) { s.w, s.h, s.pen, s.size = 64, 48, between(r, 2, 6), 0.9 }},
	{"4000x3000, pen of 1 to 3 px", 4, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.pen, s.rough, s.size = 4000, 3000, between(r, 1, 3), true, between(r, 0.3, 0.9)
	}},
	{"2000x2000, pen of 2 to 40 px", 10, func(s *scene, r *rand.Rand) { s.w, s.h, s.pen = 2000, 2000, between(r, 2, 40) }},
	{"small and off the centre", 14, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.size, s.pen = 600, 500, between(r, 0.15, 0.4), between(r, 3, 8)
		s.right, s.down = between(r, -0.3, 0.3), between(r, -0.3, 0.3)
	}},
	{"touching the edges", 14, func(s *scene, r *rand.Rand) {
		s.size, s.pen = 1.25, between(r, 6, 20)
		s.right, s.down = between(r, -0.1, 0.1), between(r, -0.1, 0.1)
	}},
	{"turned by 10 degrees at most", 14, func(s *scene, r *rand.Rand) { s.turn = between(r, -10, 10) }},
	{"dark mode", 14, func(s *scene, r *rand.Rand) {
		s.ground, s.ink = pick(r, black, rgb{30, 30, 30}, rgb{18, 22, 40}), pick(r, white, rgb{230, 220, 90}, rgb{90, 200, 255}, rgb{150, 150, 150})
		s.pen = between(r, 2, 20)
	}},
	{"coloured ink on coloured ground", 14, func(s *scene, r *rand.Rand) {
		pairs := [][2]rgb{{{200, 60, 60}, {60, 125, 60}}, {{255, 0, 0}, {0, 130, 0}}, {blue, {255, 220, 0}}, {{255, 120, 0}, {120, 170, 110}}, {{220, 40, 200}, {60, 140, 140}}, {green, {240, 180, 190}}}
		pair := pick(r, pairs...)
		s.ink, s.ground, s.pen = pair[0], pair[1], between(r, 4, 20)
		if r.IntN(2) == 0 {
			s.ink, s.ground = pair[1], pair[0]
		}
	}},
	{"ink on a transparent ground", 14, func(s *scene, r *rand.Rand) {
		s.clear, s.ink, s.pen = true, pick(r, white, black, red, blue), between(r, 2, 20)
	}},
	{"pale pencil", 14, func(s *scene, r *rand.Rand) {
		s.ground, s.ink, s.pen, s.noise, s.texture = rgb{240, 240, 236}, rgb{185, 185, 188}, between(r, 2, 6), 2, 1.5
	}},
	{"squared paper, grey lines", 14, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.squares, s.line, s.lineWidth, s.pen, s.ink = 500, 500, between(r, 20, 60), rgb{190, 200, 215}, 1.5, between(r, 4, 10), pick(r, blue, black)
	}},
	{"squared paper, lines as dark as the ink", 14, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.squares, s.line, s.lineWidth, s.pen = 500, 500, between(r, 40, 90), black, 1, between(r, 6, 14)
	}},
	{"ruled paper, blue lines", 14, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.rules, s.line, s.lineWidth, s.pen, s.turn = 600, 500, between(r, 40, 90), rgb{110, 140, 200}, 2, between(r, 4, 10), between(r, -3, 3)
		s.ground = cream
	}},
	{"a frame around the digit", 14, func(s *scene, r *rand.Rand) {
		s.border, s.borderAt, s.size, s.pen = between(r, 1, 12), pick(r, 0, 0.02, 0.06), 0.65, between(r, 3, 16)
	}},
	{"light from one side", 14, func(s *scene, r *rand.Rand) {
		s.light, s.ground, s.ink, s.noise = gradient(r, 0.35), cream, rgb{60, 60, 70}, 2
	}},
	{"the edge of a shadow", 14, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.light, s.ground, s.ink, s.noise, s.pen = 500, 400, shadow(r, 0.5, pick(r, 0.01, 0.05, 0.2)), rgb{230, 228, 220}, pick(r, rgb{40, 40, 50}, blue), 2, between(r, 5, 16)
	}},
	{"vignette and texture", 14, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.light, s.ground, s.ink, s.texture, s.noise, s.pen = 400, 400, vignette, rgb{235, 230, 220}, rgb{50, 50, 60}, 6, 3, between(r, 5, 16)
	}},
	{"JPEG of quality 30", 14, func(s *scene, r *rand.Rand) {
		s.quality, s.ink, s.pen = 30, pick(r, black, red, blue), between(r, 2, 12)
	}},
	{"noise", 14, func(s *scene, r *rand.Rand) {
		s.noise, s.ground, s.ink, s.pen = between(r, 10, 35), rgb{200, 200, 200}, rgb{50, 50, 50}, between(r, 6, 16)
	}},
	{"dust and specks", 14, func(s *scene, r *rand.Rand) { s.dust, s.pen = 20+r.IntN(60), between(r, 4, 14) }},
	{"a photograph", 20, photo},
	{"a photograph of squared paper, turned", 12, func(s *scene, r *rand.Rand) {
		photo(s, r)
		s.squares, s.line, s.lineWidth, s.turn = between(r, 35, 70), rgb{150, 165, 195}, 2, between(r, -8, 8)
	}},
	{"a photograph with a shadow", 12, func(s *scene, r *rand.Rand) {
		photo(s, r)
		s.light = shadow(r, 0.45, pick(r, 0.03, 0.1, 0.3))
	}},
	{"chalk on a board", 12, func(s *scene, r *rand.Rand) {
		photo(s, r)
		s.ground, s.ink, s.noise = slate, rgb{190, 195, 190}, 3
	}},
	{"a scan of 1500x1200 with dark edges", 10, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.border, s.ground, s.ink, s.noise, s.size, s.pen = 1500, 1200, between(r, 10, 40), rgb{245, 243, 238}, rgb{30, 30, 90}, 3, between(r, 0.2, 0.6), between(r, 5, 20)
		s.quality = 60
	}},
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

// blur averages 3x3 pixels.
func (c *canvas) blur() {
	for _, step := range []int{1, c.w} {
		last := c.ink[0]
		for i := step; i+step < len(c.ink); i++ {
			v := (c.ink[i-step] + c.ink[i] + c.ink[i+step]) / 3
			if step == 1 {
				v = (last + c.ink[i] + c.ink[i+1]) / 3
				last = c.ink[i]
			}
			c.ink[i] = v
		}
	}
}

// smoothNoise returns a paper's texture: noise of some pixels' size, of about one standard deviation.
func smoothNoise(w, h int, r *rand.Rand) *canvas {
	const cell = 4
	cols := w/cell + 2
	grid := make([]float64, cols*(h/cell+2))
	for i := range grid {
		grid[i] = 1.5 * r.NormFloat64()
	}
	c := &canvas{w, h, make([]float64, w*h)}
	for y := range h {
		for x := range w {
			i, fx, fy := y/cell*cols+x/cell, float64(x%cell)/cell, float64(y%cell)/cell
			c.ink[y*w+x] = (grid[i]*(1-fx)+grid[i+1]*fx)*(1-fy) + (grid[i+cols]*(1-fx)+grid[i+cols+1]*fx)*fy
		}
	}
	return c
}

// A drawing is a file of the drawn set.
type drawing struct {
	kind  string
	digit int
	file  []byte
}

// drawings returns the pictures of a kind: always the same.
func drawings(t testing.TB, number int) []drawing {
	t.Helper()
	k := kinds[number]
	var all []drawing
	for i := range k.count {
		r := rand.New(rand.NewPCG(uint64(number), uint64(i)))
		s := scene{w: 280, h: 280, pen: 10, size: 0.75, ink: black, ground: white}
		k.set(&s, r)
		digit := (i + number) % 10
		picture := s.render(digit, i/10+r.IntN(4), r)
		var file bytes.Buffer
		var err error
		if s.quality > 0 {
			err = jpeg.Encode(&file, picture, &jpeg.Options{Quality: s.quality})
		} else {
			err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&file, picture)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, drawing{k.name, digit, file.Bytes()})
	}
	return all
}
