package predict_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	xdraw "golang.org/x/image/draw"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/metrics"
	"lenet/picture"
	"lenet/predict"
	"lenet/train"
)

var update = flag.Bool("update", false, "write the table of docs/data.md anew")

var folder string // of the network

// trained trains a network as docs/data.md says for pictures of one's own: in a few seconds, once.
var trained = sync.OnceValue(func() error {
	o := train.Defaults()
	o.Activation, o.Optimizer, o.Momentum, o.Nesterov, o.WeightDecay, o.LabelSmoothing = "relu", "sgd", 0.9, true, 0.001, 0.05
	o.Epochs, o.BatchSize, o.LearningRate, o.Schedule.Name = 6, 64, 0.15, "onecycle"
	o.Augment = dataset.Augmentation{Shift: 1.5, Rotate: 10, Scale: 0.1}
	o.Device, o.Out = "cpu", filepath.Join(folder, "run")
	_, err := train.Run(context.Background(), o, "test", func(string) {})
	return err
})

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if folder, err = os.MkdirTemp("", "lenet"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// options are those of the trained network.
func options(t testing.TB) predict.Options {
	t.Helper()
	if err := trained(); err != nil {
		t.Fatal(err)
	}
	o := predict.Defaults()
	o.Model, o.Device = filepath.Join(folder, "run"), "cpu"
	return o
}

// network returns a network that reads pictures, until the test ends.
func network(t testing.TB) *predict.Network {
	t.Helper()
	net, err := predict.Open(t.Context(), options(t), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.Close)
	return net
}

// classifier returns a classifier with the network, until the test ends.
func classifier(t *testing.T) *predict.Classifier {
	t.Helper()
	c, err := predict.NewClassifier(t.Context(), options(t), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Pictures of many kinds are read: 95 % of all of them, and most of each kind.
func TestDrawnPicturesAreRead(t *testing.T) {
	if testing.Short() {
		t.Skip("draws and reads 400 pictures")
	}
	reader := classifier(t)
	read := make([]int, len(kinds))
	t.Run("kinds", func(t *testing.T) {
		for i, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				for j, d := range drawings(t, i) {
					got, err := reader.Classify(t.Context(), d.picture)
					if err == nil && got.Predicted == d.digit {
						read[i]++
						continue
					}
					t.Logf("%d: a %d is read as %d, error %v", j, d.digit, got.Predicted, err)
				}
				if 4*read[i] < 3*k.count {
					t.Errorf("%d of %d", read[i], k.count)
				}
			})
		}
	})
	const head = "| kind | right |\n"
	table := head + "| --- | --- |\n"
	right, all := 0, 0
	for i, k := range kinds {
		table += fmt.Sprintf("| %s | %d of %d |\n", k.name, read[i], k.count)
		right, all = right+read[i], all+k.count
	}
	table += fmt.Sprintf("| all | %d of %d |\n", right, all)
	t.Log("\n" + table)
	if float64(right) < 0.95*float64(all) {
		t.Errorf("%d of %d", right, all)
	}
	if *update {
		replace(t, "../docs/data.md", head, "\n\n", strings.TrimSuffix(table, "\n"))
	}
}

// replace puts a text in place of what stands in a file from start to before end.
func replace(t *testing.T, path, start, end, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), start)
	_, after, found := strings.Cut(rest, end)
	if !ok || !found {
		t.Fatalf("%s has no %q", path, start)
	}
	if err := os.WriteFile(path, []byte(before+text+end+after), 0o666); err != nil {
		t.Fatal(err)
	}
}

// MNIST's images as files, of their own size and enlarged, are taken for what eval takes them for.
func TestTestImagesAsFilesAreReadAsTheyAre(t *testing.T) {
	net := network(t)
	_, test := datasettest.MNIST(t)
	const n = 300
	first := datasettest.First(test, n)
	result, err := net.Evaluate(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []int{1, 10} {
		images := make([]uint8, n*784)
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() {
				small := &image.Gray{Pix: first.Images[i*784:][:784], Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
				big := image.NewGray(image.Rect(0, 0, 28*scale, 28*scale))
				xdraw.BiLinear.Scale(big, big.Rect, small, small.Rect, xdraw.Src, nil)
				pixels, err := picture.Prepare(big, net.Frame())
				if err != nil {
					t.Errorf("image %d: %v", i, err)
				}
				copy(images[i*784:], pixels)
			})
		}
		group.Wait()
		probabilities, err := net.Probabilities(t.Context(), images)
		if err != nil {
			t.Fatal(err)
		}
		enlarged, err := metrics.Of(probabilities, first.Labels, first.Names)
		if err != nil {
			t.Fatal(err)
		}
		if got := enlarged.Accuracy; got < result.Accuracy-0.01 {
			t.Errorf("enlarged by %d: accuracy %.3f; as they are %.3f", scale, got, result.Accuracy)
		}
	}
}

// row returns a picture of digits side by side.
func row(digits []int, hand int) image.Image {
	r := rand.New(rand.NewPCG(1, uint64(hand)))
	c := &canvas{150*len(digits) + 50, 200, make([]float64, (150*len(digits)+50)*200)}
	for i, d := range digits {
		c.draw(strokes(d, hand, r), float64(100+150*i), 100, 130, 0, 8, true)
	}
	out := image.NewGray(image.Rect(0, 0, c.w, c.h))
	for i, v := range c.ink {
		out.Pix[i] = uint8(255 - 255*v)
	}
	return out
}

// A row of digits is said to be one, and is read from left to right with split.
func TestARowOfDigitsIsSplit(t *testing.T) {
	net := network(t)
	right, all := 0, 0
	for hand := range 4 {
		for _, digits := range [][]int{{1, 2}, {4, 7, 5}, {3, 5, 5, 4}, {9, 8, 0, 6, 2}} {
			drawn := row(digits, hand)
			var several *picture.SeveralError
			if _, err := picture.Prepare(drawn, net.Frame()); !errors.As(err, &several) || several.Count != len(digits) {
				t.Errorf("%v in hand %d: error %v", digits, hand, err)
			}
			images, err := picture.Split(drawn, net.Frame())
			if err != nil || len(images) != len(digits) {
				t.Errorf("%v in hand %d: %d digits, error %v", digits, hand, len(images), err)
				continue
			}
			probabilities, err := net.Probabilities(t.Context(), slices.Concat(images...))
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range probabilities {
				all++
				if metrics.Largest(p) == digits[i] {
					right++
				}
			}
		}
	}
	if float64(right) < 0.95*float64(all) {
		t.Errorf("%d of %d digits", right, all)
	}
}

// Paper, lines, light and noise are no digits.
func TestEmptyPicturesHaveNoDigit(t *testing.T) {
	for name, set := range map[string]func(s *scene, r *rand.Rand){
		"white":          func(s *scene, r *rand.Rand) {},
		"black":          func(s *scene, r *rand.Rand) { s.ground = black },
		"texture":        func(s *scene, r *rand.Rand) { s.ground, s.texture = cream, 6 },
		"noise":          func(s *scene, r *rand.Rand) { s.ground, s.noise = rgb{128, 128, 128}, 30 },
		"squared paper":  func(s *scene, r *rand.Rand) { s.squares, s.line, s.lineWidth, s.w, s.h = 40, blue, 2, 500, 500 },
		"ruled paper":    func(s *scene, r *rand.Rand) { s.rules, s.line, s.lineWidth, s.turn = 40, blue, 2, 2 },
		"gradient":       func(s *scene, r *rand.Rand) { s.light = gradient(r, 0.4) },
		"gradient, JPEG": func(s *scene, r *rand.Rand) { s.light, s.quality = gradient(r, 0.4), 40 },
		"steep gradient": func(s *scene, r *rand.Rand) { s.light = func(x, y float64) float64 { return 0.45 + 0.55*x } },
		"small, JPEG": func(s *scene, r *rand.Rand) {
			s.w, s.h, s.quality, s.light = 200, 200, 40, func(x, y float64) float64 { return 0.45 + 0.55*x }
		},
		"vignette":          func(s *scene, r *rand.Rand) { s.light, s.noise = vignette, 3 },
		"nothing but alpha": func(s *scene, r *rand.Rand) { s.clear = true },
	} {
		r := rand.New(rand.NewPCG(3, 4))
		s := scene{w: 280, h: 280, ink: black, ground: white}
		set(&s, r)
		s.size, s.right = 0.01, 9 // the digit lies beyond the picture
		if _, err := picture.Prepare(s.photographed(t, 1, 0, r), picture.MNIST(28, 28)); !errors.Is(err, picture.ErrNone) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
