package predict_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"lenet/picture"
)

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
	{"4000x3000, pen of 1 to 3 px", 2, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.pen, s.rough, s.size = 4000, 3000, between(r, 1, 3), true, between(r, 0.3, 0.9)
	}},
	{"2000x2000, pen of 2 to 40 px", 6, func(s *scene, r *rand.Rand) { s.w, s.h, s.pen = 2000, 2000, between(r, 2, 40) }},
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
	{"a photograph", 14, photo},
	{"a photograph of squared paper, turned", 10, func(s *scene, r *rand.Rand) {
		photo(s, r)
		s.squares, s.line, s.lineWidth, s.turn = between(r, 35, 70), rgb{150, 165, 195}, 2, between(r, -8, 8)
	}},
	{"a photograph with a shadow", 10, func(s *scene, r *rand.Rand) {
		photo(s, r)
		s.light = shadow(r, 0.45, pick(r, 0.03, 0.1, 0.3))
	}},
	{"chalk on a board", 10, func(s *scene, r *rand.Rand) {
		photo(s, r)
		s.ground, s.ink, s.noise = slate, rgb{190, 195, 190}, 3
	}},
	{"a scan of 1500x1200 with dark edges", 8, func(s *scene, r *rand.Rand) {
		s.w, s.h, s.border, s.ground, s.ink, s.noise, s.size, s.pen = 1500, 1200, between(r, 10, 40), rgb{245, 243, 238}, rgb{30, 30, 90}, 3, between(r, 0.2, 0.6), between(r, 5, 20)
		s.quality = 60
	}},
}

// A drawing is a picture of the drawn set.
type drawing struct {
	digit   int
	picture image.Image
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
		drawn := s.photographed(t, digit, i/10+r.IntN(4), r)
		all = append(all, drawing{digit, drawn})
	}
	return all
}

// photographed returns a scene's picture as it is decoded from a file: as JPEG leaves it, if the scene has a quality.
func (s *scene) photographed(t testing.TB, digit, hand int, r *rand.Rand) image.Image {
	t.Helper()
	drawn := s.render(digit, hand, r)
	if s.quality == 0 {
		return drawn
	}
	var file bytes.Buffer
	err := jpeg.Encode(&file, drawn, &jpeg.Options{Quality: s.quality})
	if err == nil {
		drawn, err = picture.Decode(&file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return drawn
}
