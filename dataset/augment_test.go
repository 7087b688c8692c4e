package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAugmentationTextIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"shift":                           "shift=2",
		"scale,rotate":                    "rotate=10,scale=0.1",
		"shift=1.5,rotate=180,scale=0.25": "shift=1.5,rotate=180,scale=0.25",
	} {
		var a, again Augmentation
		if err := a.UnmarshalText([]byte(text)); err != nil || a.String() != want {
			t.Errorf("%q is %q, want %q; error %v", text, a, want, err)
		}
		if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a {
			t.Errorf("%q again is %v; error %v", a, again, err)
		}
	}
	for _, text := range []string{"turn", "shift=", "shift=x", "shift=-1", "rotate=181", "scale=NaN", "shift,,scale", "scale=1"} {
		var a Augmentation
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, a)
		}
	}
}

func randomImage(rows, cols int) []uint8 {
	random, image := rand.New(rand.NewPCG(1, 1)), make([]uint8, rows*cols)
	for i := range image {
		image[i] = uint8(random.Uint32())
	}
	return image
}

func TestShiftMovesWholePixelsAndTakesEveryStepAsOften(t *testing.T) {
	const rows, cols = 7, 5
	from, to := randomImage(rows, cols), make([]uint8, rows*cols)
	a := augmenter{Augmentation: Augmentation{Shift: 2}, rows: rows, cols: cols}
	random, seen := rand.NewPCG(3, 4), map[[2]int]int{}
	for range 25000 {
		a.distort(to, from, random)
		found := false
		for down := -2; down <= 2; down++ {
			for right := -2; right <= 2; right++ {
				if slices.Equal(to, moved(from, rows, cols, right, down)) {
					seen[[2]int{right, down}]++
					found = true
				}
			}
		}
		if !found {
			t.Fatalf("%v is no shift of %v", to, from)
		}
	}
	for step, n := range seen {
		if len(seen) != 25 || n < 850 || n > 1150 { // 1000 expected, five standard deviations of 31
			t.Errorf("the shift by %v came %d times of 25000, and there were %d", step, n, len(seen))
		}
	}
}

// moved is the slow and obvious shift.
func moved(from []uint8, rows, cols, right, down int) []uint8 {
	to := make([]uint8, rows*cols)
	for r := range rows {
		for c := range cols {
			if y, x := r-down, c-right; y >= 0 && y < rows && x >= 0 && x < cols {
				to[r*cols+c] = from[y*cols+x]
			}
		}
	}
	return to
}

func TestResampleTurnsByQuartersAndDoubles(t *testing.T) {
	const side = 9
	from, to := randomImage(side, side), make([]uint8, side*side)
	a := augmenter{rows: side, cols: side}
	a.resample(to, from, affine(side, side, 0, 0, 0, 1))
	if !slices.Equal(to, from) {
		t.Error("no change changes the image")
	}
	a.resample(to, from, affine(side, side, 0, 0, math.Pi/2, 1))
	for r := range side {
		for c := range side {
			if to[c*side+side-1-r] != from[r*side+c] { // clockwise: what was up is right
				t.Fatalf("turned by a quarter: %v of %v", to, from)
			}
		}
	}
	a.resample(to, from, affine(side, side, 0, 0, 0, 2))
	for r := range side / 2 { // every second pixel is one of the inner image
		for c := range side / 2 {
			if to[2*r*side+2*c] != from[(2+r)*side+2+c] {
				t.Fatalf("twice as large: %v of %v", to, from)
			}
		}
	}
	a.resample(to, from, affine(side, side, 3, -2, 0, 1))
	if !slices.Equal(to, moved(from, side, side, 3, -2)) {
		t.Errorf("moved by (3, -2): %v of %v", to, from)
	}
}

// Against the definition, in float64.
func TestResampleInterpolates(t *testing.T) {
	const rows, cols = 12, 10
	from, to := randomImage(rows, cols), make([]uint8, rows*cols)
	a := augmenter{rows: rows, cols: cols}
	at := func(r, c int) float64 {
		if r < 0 || r >= rows || c < 0 || c >= cols {
			return 0
		}
		return float64(from[r*cols+c])
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		right, down, turn, scale := 4*random.Float64()-2, 4*random.Float64()-2, 2*random.Float64()-1, 0.7+0.6*random.Float64()
		a.resample(to, from, affine(rows, cols, right, down, turn, scale))
		for r := range rows {
			for c := range cols {
				x, y := (float64(c)-(cols-1)/2.-right)/scale, (float64(r)-(rows-1)/2.-down)/scale
				x, y = math.Cos(turn)*x+math.Sin(turn)*y+(cols-1)/2., math.Cos(turn)*y-math.Sin(turn)*x+(rows-1)/2.
				left, top := int(math.Floor(x)), int(math.Floor(y))
				fx, fy := x-math.Floor(x), y-math.Floor(y)
				want := (1-fy)*((1-fx)*at(top, left)+fx*at(top, left+1)) + fy*((1-fx)*at(top+1, left)+fx*at(top+1, left+1))
				if got := float64(to[r*cols+c]); math.Abs(got-want) > 3 { // 1/256 pixel each way, of a range of 255, and the rounding
					t.Fatalf("pixel (%d, %d) is %v, want %v", r, c, got, want)
				}
			}
		}
	}
}

// resampled is the slow and obvious resample: the fast one has to return the same bytes.
func resampled(from []uint8, rows, cols int, m mapping) []uint8 {
	at := func(row, col int) int {
		if row < 0 || row >= rows || col < 0 || col >= cols {
			return 0
		}
		return int(from[row*cols+col])
	}
	to := make([]uint8, rows*cols)
	for r := range rows {
		for c := range cols {
			x := int(m.origin[0]) + c*int(m.along[0]) + r*int(m.across[0])
			y := int(m.origin[1]) + c*int(m.along[1]) + r*int(m.across[1])
			col, row := x>>16, y>>16
			fx, fy := x>>8&0xff, y>>8&0xff
			top := at(row, col)*(256-fx) + at(row, col+1)*fx
			bottom := at(row+1, col)*(256-fx) + at(row+1, col+1)*fx
			to[r*cols+c] = uint8((top*(256-fy) + bottom*fy + 1<<15) >> 16)
		}
	}
	return to
}

// The content is a box of its own in each round: it often touches or almost touches the edges, and may be empty. Mappings cover what an
// Augmentation may ask for, and those whose places are exactly on pixels and edges.
func TestResampleReturnsTheBytesOfTheObviousOne(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	between := func(low, high float64) float64 { return low + (high-low)*random.Float64() }
	for _, size := range []struct{ rows, cols, rounds int }{
		{1, 1, 100}, {5, 7, 1000}, {9, 8, 30000}, {16, 16, 3000}, {28, 28, 3000}, {17, 41, 1000}, {1000, 16, 20}, {16, 1000, 20}, {1000, 1000, 2},
	} {
		rows, cols := size.rows, size.cols
		a, to := augmenter{rows: rows, cols: cols}, make([]uint8, rows*cols)
		for round := range size.rounds {
			from := randomImage(rows, cols)
			if round > 0 {
				part := func(n int) (first, end int) {
					if first = random.IntN(min(n, 3)); random.IntN(2) == 0 {
						return first, max(first, n-random.IntN(3))
					}
					first = random.IntN(n)
					return first, first + random.IntN(n-first+1)
				}
				top, bottom := part(rows)
				left, right := part(cols)
				for i := range from {
					if r, c := i/cols, i%cols; r < top || r >= bottom || c < left || c >= right {
						from[i] = 0
					}
				}
			}
			m := affine(rows, cols, between(-14, 14), between(-14, 14), between(-math.Pi, math.Pi), between(0.1, 1.9))
			switch round % 4 {
			case 1: // small
				m = affine(rows, cols, between(-2, 2), between(-2, 2), between(-0.2, 0.2), between(0.9, 1.1))
			case 2: // whole pixels and quarter turns, whose sine or cosine is 0
				m = affine(rows, cols, float64(random.IntN(15)-7), float64(random.IntN(15)-7), float64(random.IntN(4))*math.Pi/2, 1)
			case 3: // whole pixels, at half and twice the size
				m = affine(rows, cols, float64(random.IntN(5)-2), float64(random.IntN(5)-2), 0, []float64{0.5, 2}[random.IntN(2)])
			}
			a.resample(to, from, m)
			if want := resampled(from, rows, cols, m); !slices.Equal(to, want) {
				t.Fatalf("%dx%d, round %d, %+v: %v of %v, want %v", rows, cols, round, m, to, from, want)
			}
		}
	}
}

func TestShiftReturnsTheBytesOfTheObviousOne(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {3, 5}, {16, 16}, {28, 17}} {
		rows, cols := size[0], size[1]
		from, to := randomImage(rows, cols), randomImage(rows, cols)
		a := augmenter{rows: rows, cols: cols}
		for right := -18; right <= 18; right++ {
			for down := -18; down <= 18; down++ {
				a.shift(to, from, right, down)
				if !slices.Equal(to, moved(from, rows, cols, right, down)) {
					t.Fatalf("%dx%d moved by (%d, %d): %v of %v", rows, cols, right, down, to, from)
				}
			}
		}
	}
}

func TestAugmentedLoaderFollowsSeedEpochAndIndex(t *testing.T) {
	set := &Set{Rows: 20, Cols: 20, Images: randomImage(20*6, 20), Labels: []uint8{0, 1, 2, 3, 4, 5}}
	images := func(batch int, seed uint64, epoch int) map[uint8]string {
		l := NewShuffledLoader(set, batch, seed)
		l.Augment(Augmentation{Shift: 2, Rotate: 10, Scale: 0.1})
		byLabel := map[uint8]string{}
		for b, err := range l.Epoch(t.Context(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			for i, label := range b.Labels {
				byLabel[label] = string(b.Images[i*400 : (i+1)*400])
			}
		}
		return byLabel
	}
	first := images(4, 1, 1)
	for label, image := range images(1, 1, 1) {
		if image != first[label] {
			t.Errorf("image %d depends on the batch size", label)
		}
	}
	for _, other := range []map[uint8]string{images(4, 2, 1), images(4, 1, 2)} {
		for label, image := range other {
			if image == first[label] {
				t.Errorf("image %d does not depend on seed or epoch", label)
			}
		}
	}
	for label, image := range first {
		if image == string(set.Images[int(label)*400:][:400]) {
			t.Errorf("image %d is unchanged", label)
		}
	}
}

// An image without background, which takes longest: those of MNIST take about half as long, see BenchmarkAugmentedLoader.
func BenchmarkDistort(b *testing.B) {
	for _, text := range []string{"shift=2", "shift=2,rotate=8,scale=0.1"} {
		b.Run(text, func(b *testing.B) {
			from, to := randomImage(28, 28), make([]uint8, 28*28)
			a := augmenter{rows: 28, cols: 28}
			if err := a.UnmarshalText([]byte(text)); err != nil {
				b.Fatal(err)
			}
			random := rand.NewPCG(1, 2)
			for b.Loop() {
				a.distort(to, from, random)
			}
		})
	}
}
