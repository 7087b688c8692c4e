package browser

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"lenet/picture"
	"lenet/picture/hands"
)

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

func failOnErrors(t *testing.T, event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		t.Errorf("the page: %s", e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			t.Errorf("the page: %s %s", e.Entry.Text, e.Entry.URL)
		}
	}
}

// A reading is what the page makes of a drawing.
type reading struct {
	Answer string `json:"answer"`
	Digits []struct {
		Predicted     int       `json:"predicted"`
		Pixels        []int     `json:"pixels"`
		Probabilities []float64 `json:"probabilities"`
	} `json:"digits"`
	PNG string `json:"png"` // base64
}

const readPage = `(async () => {
	const d = document.querySelector('.draw').drawing;
	d.read();
	const blob = await d.png();
	const bytes = new Uint8Array(await blob.arrayBuffer());
	let text = '';
	for (const b of bytes) text += String.fromCharCode(b);
	return {answer: document.querySelector('.draw-answer').textContent, png: btoa(text), digits: d.digits.map((x) => ({
		predicted: x.result.predicted, pixels: Array.from(x.pixels), probabilities: Array.from(x.result.probabilities)}))};
})()`

func (r *reading) file(t *testing.T) []byte {
	t.Helper()
	file, err := base64.StdEncoding.DecodeString(r.PNG)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func drawPage(t *testing.T) context.Context {
	t.Helper()
	ctx := page(t, address+"/draw?run=own", chromedp.WaitVisible(".draw-canvas", chromedp.ByQuery), log.Enable())
	eventually(t, ctx, `document.querySelector('.draw').drawing !== undefined`)
	return ctx
}

// A box is where the canvas is on the screen.
type box struct{ X, Y, W, H float64 }

func canvas(t *testing.T, ctx context.Context) box {
	t.Helper()
	return evaluated[box](t, ctx, `(() => { const r = document.querySelector('.draw-canvas').getBoundingClientRect(); return {X: r.left, Y: r.top, W: r.width, H: r.height}; })()`)
}

// draw draws a digit with the mouse, in a square of a side, a share of the canvas's height, whose left edge is at a share of its width.
func draw(t *testing.T, ctx context.Context, strokes [][]hands.Point, b box, left, side float64) {
	t.Helper()
	mouse := func(kind input.MouseType, p hands.Point) chromedp.Action {
		x, y := b.X+left*b.W+p.X*side*b.H, b.Y+(1-side)/2*b.H+p.Y*side*b.H
		e := input.DispatchMouseEvent(kind, x, y).WithButton(input.Left)
		if kind != input.MouseMoved {
			e = e.WithClickCount(1)
		}
		return e.WithButtons(1)
	}
	var events []chromedp.Action
	for _, s := range strokes {
		events = append(events, mouse(input.MousePressed, s[0]))
		for i, p := range s {
			if i%3 == 2 || len(s) < 10 { // a mouse that is moved fast
				events = append(events, mouse(input.MouseMoved, p))
			}
		}
		events = append(events, mouse(input.MouseMoved, s[len(s)-1]))
		events = append(events, mouse(input.MouseReleased, s[len(s)-1]))
	}
	do(t, ctx, events...)
}

type answer struct {
	Digit         int       `json:"digit"`
	Probabilities []float64 `json:"probabilities"`
	Seen          [][]int   `json:"seen"`
}

// Forty drawings, ten digits in four hands, drawn with the mouse: the page reads 38 at least, and the program sees the same and says the same.
func TestDrawingsAreReadAsTheProgramReadsThem(t *testing.T) {
	ctx := drawPage(t)
	b := canvas(t, ctx)
	right, grey, apart := 0, 0, 0.0
	for digit := range 10 {
		for hand := range hands.Count {
			do(t, ctx, chromedp.Evaluate(`document.querySelector('.draw').drawing.clear()`, nil))
			draw(t, ctx, hands.Strokes(digit, hand, rand.New(rand.NewPCG(uint64(hand), uint64(digit)))), b, 0.25, 0.8)
			r := evaluated[reading](t, ctx, readPage)
			if len(r.Digits) != 1 {
				t.Errorf("%d in hand %d: the page sees %d digits", digit, hand, len(r.Digits))
				continue
			}
			if r.Digits[0].Predicted == digit {
				right++
			} else {
				t.Logf("%d in hand %d is read as %s", digit, hand, r.Answer)
			}
			a := asked[answer](t, "/api/predict?run=own", r.file(t))
			for c, p := range a.Probabilities {
				apart = math.Max(apart, math.Abs(p-r.Digits[0].Probabilities[c]))
			}
			for i, v := range r.Digits[0].Pixels {
				grey = max(grey, abs(v-a.Seen[i/28][i%28]))
			}
		}
	}
	t.Logf("%d of 40 right; probabilities differ by %.1e at most, grey levels by %d", right, apart, grey)
	if right < 38 || apart > 1e-4 || grey > 1 {
		t.Error("want 38, 1e-4 and 1")
	}
}

func abs(x int) int { return max(x, -x) }

func TestAnEmptyCanvasHasNoAnswer(t *testing.T) {
	ctx := drawPage(t)
	b := canvas(t, ctx)
	r := evaluated[reading](t, ctx, readPage)
	if len(r.Digits) != 0 || r.Answer != "Draw a digit, or a row of them" {
		t.Errorf("the empty canvas is read as %q", r.Answer)
	}
	draw(t, ctx, hands.Strokes(3, 0, rand.New(rand.NewPCG(1, 1))), b, 0.25, 0.8)
	eventually(t, ctx, `document.querySelector('.draw-answer').textContent.startsWith('3, ')`)
	do(t, ctx, chromedp.Click(".draw-buttons button:nth-child(2)", chromedp.ByQuery))
	eventually(t, ctx, `document.querySelector('.draw-answer').textContent === 'Draw a digit, or a row of them' && document.querySelector('.draw-layers').children.length === 0`)
	if bars := evaluated[string](t, ctx, `Array.from(document.querySelectorAll('.draw-share'), (e) => e.textContent).join('')`); bars != "" {
		t.Errorf("the bars of an empty canvas say %q", bars)
	}
}

func TestUndoAndTheKeyboard(t *testing.T) {
	ctx := drawPage(t)
	do(t, ctx, chromedp.Focus(".draw-canvas", chromedp.ByQuery), chromedp.KeyEvent(" "))
	for range 14 {
		do(t, ctx, chromedp.KeyEvent(kb.ArrowDown))
	}
	do(t, ctx, chromedp.KeyEvent(" "))
	eventually(t, ctx, `document.querySelector('.draw-answer').textContent.startsWith('1, ')`)
	do(t, ctx, chromedp.Click(".draw-buttons button:nth-child(1)", chromedp.ByQuery))
	eventually(t, ctx, `document.querySelector('.draw').drawing.strokes.length === 0`)
}

func TestARowIsReadFromLeftToRight(t *testing.T) {
	ctx := drawPage(t)
	b := canvas(t, ctx)
	for i, digit := range []int{4, 7, 1} {
		draw(t, ctx, hands.Strokes(digit, 0, rand.New(rand.NewPCG(1, 1))), b, 0.05+0.3*float64(i), 0.5)
	}
	eventually(t, ctx, `document.querySelector('.draw-answer').textContent === '4 7 1'`)
	r := evaluated[reading](t, ctx, readPage)
	for i, a := range asked[[]answer](t, "/api/predict?run=own&split=true", r.file(t)) {
		if a.Digit != r.Digits[i].Predicted {
			t.Errorf("digit %d of the row: the program reads %d, the page %d", i, a.Digit, r.Digits[i].Predicted)
		}
	}
	shot(t, ctx, "row")
}

// Lines, circles around things, scribbles, dots, rows: whatever one draws, the page prepares it as the program does, for each kind of frame.
func TestWhateverIsDrawnIsPreparedAsTheProgramPreparesIt(t *testing.T) {
	frames := []picture.Frame{
		picture.MNIST(28, 28), picture.MNIST(64, 64),
		{Rows: 28, Cols: 28, BoxRows: 24, BoxCols: 22, Centre: picture.OfBox, CentreRow: 14, CentreCol: 14, Stroke: 3.5},
		{Rows: 20, Cols: 30, BoxRows: 16, BoxCols: 12, Centre: picture.OfMass, Stroke: 1},
		{Rows: 28, Cols: 28, BoxRows: 28, BoxCols: 28, Centre: picture.OfBox},
		{Rows: 32, Cols: 24, Whole: true, BoxRows: 32, BoxCols: 24}, {Rows: 28, Cols: 28, Whole: true, Light: true, BoxRows: 28, BoxCols: 28},
	}
	ctx := drawPage(t)
	r := rand.New(rand.NewPCG(1, 2))
	largest, images := 0, 0
	for i := range 280 {
		frame := frames[i%len(frames)]
		do(t, ctx, chromedp.Evaluate(fmt.Sprintf(`(() => { const d = document.querySelector('.draw').drawing; d.strokes = %s; d.description.frame = %s; })()`, text(t, scene(r, i)), text(t, frame)), nil))
		got := evaluated[[][]int](t, ctx, `(() => { const d = document.querySelector('.draw').drawing;
			return lenet.prepare(d.pixels(), d.picture.width, d.picture.height, d.description.frame).map((x) => Array.from(x.pixels)); })()`)
		page := evaluated[reading](t, ctx, `(async () => { const d = document.querySelector('.draw').drawing; const b = new Uint8Array(await (await d.png()).arrayBuffer());
			let s = ''; for (const x of b) s += String.fromCharCode(x); return {png: btoa(s)}; })()`)
		img, err := png.Decode(bytes.NewReader(page.file(t)))
		if err != nil {
			t.Fatal(err)
		}
		want, err := picture.Split(img, frame)
		if frame.Whole {
			var one []uint8
			one, err = picture.Prepare(img, frame)
			want = [][]uint8{one}
		}
		if err != nil {
			want = nil
		}
		if len(got) != len(want) {
			t.Errorf("picture %d: the page sees %d digits, and the program %d (%v)", i, len(got), len(want), err)
			continue
		}
		for j := range want {
			images++
			for k, v := range want[j] {
				largest = max(largest, abs(int(v)-got[j][k]))
			}
		}
	}
	t.Logf("%d images: grey levels differ by %d at most", images, largest)
	if largest > 1 || images < 250 {
		t.Error("want 1, of 250 images at least")
	}
}

type place struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// scene returns strokes on the canvas of 420x280.
func scene(r *rand.Rand, i int) (strokes [][]place) {
	strokes = [][]place{}
	put := func(s [][]hands.Point, x, y, side float64) {
		for _, stroke := range s {
			var points []place
			for _, p := range stroke {
				points = append(points, place{x + side*p.X, y + side*p.Y})
			}
			strokes = append(strokes, points)
		}
	}
	within := func() place { return place{420 * r.Float64(), 280 * r.Float64()} }
	line := func(points ...place) { strokes = append(strokes, points) }
	switch i / 7 % 8 {
	case 0, 1: // a digit
		side := 40 + 220*r.Float64()
		put(hands.Strokes(r.IntN(10), r.IntN(4), r), (420-side)*r.Float64(), (280-side)*r.Float64(), side)
	case 2: // a row
		for n, x := 2+r.IntN(4), 5.0; n > 0 && x < 340; n-- {
			side := 60 + 60*r.Float64()
			put(hands.Strokes(r.IntN(10), r.IntN(4), r), x, 60+60*r.Float64(), side)
			x += side * (0.8 + 0.4*r.Float64())
		}
	case 3: // a scribble, also over the edges
		var points []place
		for range 3 + r.IntN(20) {
			p := within()
			points = append(points, place{1.3*p.X - 60, 1.3*p.Y - 40})
		}
		line(points...)
	case 4: // lines from edge to edge
		for range 1 + r.IntN(4) {
			y := 280 * r.Float64()
			line(place{-20, y}, place{440, y + 40*r.Float64() - 20})
		}
	case 5: // a circle around a digit
		var circle []place
		for k := range 41 {
			sin, cos := math.Sincos(float64(k) / 20 * math.Pi)
			circle = append(circle, place{210 + 180*cos, 140 + 125*sin})
		}
		line(circle...)
		put(hands.Strokes(r.IntN(10), 0, r), 150, 80, 40+80*r.Float64())
	case 6: // dots, and perhaps a digit
		for range 1 + r.IntN(12) {
			line(within())
		}
		if r.IntN(2) == 0 {
			put(hands.Strokes(r.IntN(10), 0, r), 100, 40, 180)
		}
	default: // boxes and nothing
		for range r.IntN(3) {
			a, b := within(), within()
			line(a, place{b.X, a.Y}, b, place{a.X, b.Y}, a)
		}
	}
	return strokes
}

// One click keeps a drawing under its right label, in a folder on which a network trains.
func TestADrawingIsKeptUnderItsRightLabel(t *testing.T) {
	ctx := drawPage(t)
	b := canvas(t, ctx)
	for digit := range 10 {
		for hand := range hands.Count {
			do(t, ctx, chromedp.Evaluate(`document.querySelector('.draw').drawing.clear()`, nil))
			draw(t, ctx, hands.Strokes(digit, hand, rand.New(rand.NewPCG(7, uint64(hand)))), b, 0.25, 0.8)
			eventually(t, ctx, `!document.querySelector('.draw-keep').disabled`)
			do(t, ctx, chromedp.Evaluate(`document.querySelector('.draw-keep output').textContent = ''`, nil),
				chromedp.Click(fmt.Sprintf(".draw-keep button:nth-of-type(%d)", digit+1), chromedp.ByQuery))
			eventually(t, ctx, fmt.Sprintf(`document.querySelector('.draw-keep output').textContent.startsWith('Kept as %d: ')`, digit))
		}
	}
	drawings := filepath.Join(runsDir, "drawings")
	kept, _ := filepath.Glob(filepath.Join(drawings, "*", "*.png"))
	if len(kept) < 40 { // another test keeps one, too
		t.Fatalf("%d drawings were kept, want 40", len(kept))
	}
	if out, err := lenet("train", "--device=cpu", "--recipe=fast", "--epochs=1", "--no-progress", "--data", drawings, "--out", filepath.Join(t.TempDir(), "run")).CombinedOutput(); err != nil {
		t.Errorf("lenet train --data: %v: %s", err, out)
	}
}

// The canvas of the report page, a file without a server, reads as the program does.
func TestTheReportPageReadsDrawings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.html")
	if out, err := lenet("report", "--device=cpu", "--out", file, filepath.Join(runsDir, "own")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx := page(t, "file://"+file, chromedp.WaitVisible(".draw-canvas", chromedp.ByQuery))
	do(t, ctx, chromedp.Evaluate(`document.querySelector('.draw-canvas').scrollIntoView({block: 'center'})`, nil))
	b := canvas(t, ctx)
	draw(t, ctx, hands.Strokes(5, 0, rand.New(rand.NewPCG(1, 1))), b, 0.25, 0.8)
	eventually(t, ctx, `document.querySelector('.draw-answer').textContent.startsWith('5, ')`)
	r := evaluated[reading](t, ctx, readPage)
	a := asked[answer](t, "/api/predict?run=own", r.file(t))
	for c, p := range a.Probabilities {
		if math.Abs(p-r.Digits[0].Probabilities[c]) > 1e-4 {
			t.Errorf("class %d: %v by the program, %v by the page", c, p, r.Digits[0].Probabilities[c])
		}
	}
	shot(t, ctx, "report")
}

// A run of another process is seen to progress, and to end.
func TestARunIsSeenToProgress(t *testing.T) {
	train := lenet("train", "--device=cpu", "--recipe=fast", "--epochs=10", "--no-progress", "--out", filepath.Join(runsDir, "live"))
	if err := train.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- train.Wait() }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(runsDir, "live", "progress.jsonl")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the run has not begun")
		}
	}
	ctx := page(t, address+"/runs/live", log.Enable())
	eventually(t, ctx, `document.querySelector('.live-text').textContent.startsWith('epoch ')`)
	first := evaluated[string](t, ctx, `document.querySelector('.live-text').textContent`)
	eventually(t, ctx, fmt.Sprintf(`document.querySelector('.live-text').textContent !== %q`, first))
	eventually(t, ctx, `document.querySelectorAll('#section svg').length >= 4 && document.querySelector('.facts').textContent.includes('of 10 epochs') && document.querySelector('progress').value > 0.6`)
	shot(t, ctx, "live")
	eventually(t, ctx, `document.querySelector('.live') === null && document.querySelector('.state.ended') !== null && document.querySelector('#section').textContent.includes('Test accuracy')`)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Pictures of the pages, wide, on a phone and dark. None is wider than its window.
func TestPagesFitTheirWindows(t *testing.T) {
	for _, window := range []struct {
		name          string
		width, height int64
		dark          bool
	}{{"wide", 1280, 900, false}, {"phone", 390, 800, false}, {"dark", 1280, 900, true}} {
		for name, path := range map[string]string{"runs": "/", "run": "/runs/own", "draw": "/draw?run=own"} {
			scheme := "light"
			if window.dark {
				scheme = "dark"
			}
			ctx := page(t, address+path, log.Enable(), emulation.SetDeviceMetricsOverride(window.width, window.height, 1, window.width < 500),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
			if name == "draw" {
				do(t, ctx, chromedp.WaitVisible(".draw-canvas", chromedp.ByQuery))
				eventually(t, ctx, `document.querySelector('.draw').drawing !== undefined`)
				draw(t, ctx, hands.Strokes(3, 0, rand.New(rand.NewPCG(1, 1))), canvas(t, ctx), 0.25, 0.8)
				eventually(t, ctx, `document.querySelector('.draw-answer').textContent.startsWith('3, ')`)
			}
			if wide := evaluated[int64](t, ctx, `document.documentElement.scrollWidth`); wide > window.width {
				t.Errorf("%s, %s: the page is %d pixels wide, and the window %d", name, window.name, wide, window.width)
			}
			shot(t, ctx, name+"-"+window.name)
		}
	}
}
