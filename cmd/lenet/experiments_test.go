package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"lenet/dataset/datasettest"
	"lenet/metrics"
	"lenet/predict"
	"lenet/runs"
	"lenet/train"
)

// learnt returns the folder of a run that has learnt some digits: a copy, for the test to write to, of one that is trained once.
func learnt(t *testing.T) string {
	t.Helper()
	run, out := filepath.Join(shared, "learnt"), filepath.Join(t.TempDir(), "run")
	trained.Do(func() {
		data := filepath.Join(shared, "data")
		copyFolder(t, smallData(t, 1000, 200), data)
		_, stderr, code := lenet(t, "train", "--data", data, "--recipe=fast", "--batch-size=20", "--lr=0.03", "--epochs=6", "--device=cpu", "--threads=1", "--out", run)
		if code != 0 {
			t.Fatal(stderr)
		}
	})
	copyFolder(t, run, out)
	return out
}

var trained sync.Once

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func exists(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestARecipeIsASetOfOptionsAndTheCommandLineWins(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "run")
	data := smallData(t, 100, 10)
	if _, stderr, code := lenet(t, "train", "--data", data, "--momentum=0.5", "--recipe=fast", "--epochs=1", "--device=cpu", "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	config, err := train.ReadConfig(runs.Dir(out))
	if err != nil {
		t.Fatal(err)
	}
	if config.Momentum != 0.5 || config.Epochs != 1 || config.Activation != "relu" || config.Schedule.Name != "onecycle" || !config.Nesterov {
		t.Errorf("config.json has %+v", config.Options)
	}
	out += "-2"
	if _, stderr, code := lenet(t, "train", "--data", data, "--recipe=report", "--epochs=1", "--device=cpu", "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	if config, err = train.ReadConfig(runs.Dir(out)); err != nil || config.Activation != "sigmoid" || config.Momentum != 0 || config.LearningRate != 1.5 {
		t.Errorf("config.json has %+v, error %v", config.Options, err)
	}
}

// A flag or a value that a recipe misspells would be left out in silence.
func TestRecipesNameFlagsThatExist(t *testing.T) {
	help, _, _ := lenet(t, "train", "--help")
	for name, flags := range train.Recipes {
		args := []string{"train", "--data=nowhere"}
		for flag, value := range flags {
			if !regexp.MustCompile(`--(\[no-\])?` + flag + `\b`).MatchString(help) {
				t.Errorf("recipe %s has --%s, which train has not", name, flag)
			}
			args = append(args, "--"+flag+"="+value)
		}
		if _, stderr, code := inProcess(t, args...); code != 1 || !strings.Contains(stderr, "nowhere") {
			t.Errorf("recipe %s: exit code %d, %s", name, code, stderr)
		}
	}
}

func TestTunePrintsATableAndLeavesPlots(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "sweep")
	args := []string{"tune", "--data", smallData(t, 200, 50), "--validation=50", "--lr=0.05:0.15:0.05", "--batch-size=20,40", "--activation=relu", "--epochs=2", "--device=cpu"}
	stdout, stderr, code := lenet(t, append(args, "--out", out)...)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, standard error %q", code, stderr)
	}
	want := regexp.MustCompile(`^6 trials on cpu \(--jobs \d --threads \d\), saved in .*
 +lr  batch-size  epochs  val acc  test acc  seconds +
( +0\.\d+ +\d\d +2 +0\.\d{4} +0\.\d{4} +\d+\.\d +(\* *)?\n){6}6 trials in \d+\.\d sec, saved in .*
validation chooses --lr 0\.\d+ --batch-size \d\d
plot .*lr\.png, .*lr\.svg
plot .*batch-size\.png, .*batch-size\.svg
$`)
	if !want.MatchString(stdout) || strings.Count(stdout, "*") != 1 {
		t.Errorf("it printed\n%s", stdout)
	}
	again, stderr, code := lenet(t, "tune", "--resume", out)
	table := regexp.MustCompile(`(?s)\n +lr.*\n6 trials`)
	if code != 0 || table.FindString(again) != table.FindString(stdout) || table.FindString(again) == "" {
		t.Errorf("resumed: exit code %d, standard error %q, output\n%s", code, stderr, again)
	}
	page := filepath.Join(out, "report.html")
	if stdout, stderr, code := lenet(t, "report", "--device=cpu", out); code != 0 || !strings.Contains(stdout, page) {
		t.Errorf("report: exit code %d, standard error %q", code, stderr)
	}
	exists(t, filepath.Join(out, "lr.png"), filepath.Join(out, "batch-size.svg"), page)
}

func TestEvalMeasures(t *testing.T) {
	t.Parallel()
	run := learnt(t)
	stdout, stderr, code := lenet(t, "eval", "--model", run, "--device=cpu")
	if code != 0 || stderr != "" || !regexp.MustCompile(`(?s)^loss .*\n +class +images +precision +recall +F1 *\n( +\d +\d+( +\d\.\d{4}){3} *\n){10}.*rows: true class; columns: predicted class\n( *\d*( +\d+){10} *\n){11}pictures: `).MatchString(stdout) {
		t.Errorf("exit code %d, standard error %q, output\n%s", code, stderr, stdout)
	}
	exists(t, filepath.Join(run, "confusion.png"), filepath.Join(run, "confusion.svg"), filepath.Join(run, "mistakes.png"))
	stdout, _, code = lenet(t, "eval", "--model", runs.Dir(run).Weights(), "--device=cpu", "--json")
	var r metrics.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 {
		t.Fatalf("exit code %d, error %v", code, err)
	}
	if r.Images != 200 || r.Accuracy < 0.8 || len(r.Mistakes) != 200-int(r.Accuracy*200+0.5) {
		t.Errorf("%d images, accuracy %v, %d mistakes", r.Images, r.Accuracy, len(r.Mistakes))
	}
}

func TestPredictDrawsTestImages(t *testing.T) {
	t.Parallel()
	run := learnt(t)
	stdout, stderr, code := lenet(t, "predict", "--model", run, "--device=cpu")
	want := regexp.MustCompile(`(?s)[█▀▄]{3}.*(true \d, (predicted|WRONG:) \d, \d+%.*){9}\ntrue labels:\n\[\[\d \d \d\]\n \[\d \d \d\]\n \[\d \d \d\]\]\npredicted labels:\n\[\[\d \d \d\]\n \[\d \d \d\]\n \[\d \d \d\]\]\npicture .*predictions\.png`)
	if code != 0 || stderr != "" || !want.MatchString(stdout) {
		t.Errorf("exit code %d, standard error %q, output\n%s", code, stderr, stdout)
	}
	for line := range strings.Lines(stdout) {
		if n := len([]rune(strings.TrimRight(line, " \n"))); n > 80 && !strings.HasPrefix(line, "picture") {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	exists(t, filepath.Join(run, "predictions.png"), filepath.Join(run, "predictions.svg"))
	again, _, _ := lenet(t, "predict", "--model", run, "--device=cpu")
	other, _, _ := lenet(t, "predict", "--model", run, "--device=cpu", "--seed=2")
	if again != stdout || other == stdout {
		t.Error("the same seed draws other images, or another seed the same")
	}
	var draws []predict.Prediction
	stdout, _, _ = lenet(t, "predict", "--model", run, "--device=cpu", "--json", "--count=4")
	if err := json.Unmarshal([]byte(stdout), &draws); err != nil || len(draws) != 4 || len(draws[3].Probabilities) != 10 {
		t.Errorf("error %v: %s", err, stdout)
	}
}

// A test image, six times as large, dark on light, is read as the test image itself is.
func TestPredictReadsPictures(t *testing.T) {
	t.Parallel()
	run := learnt(t)
	_, test := datasettest.MNIST(t)
	var args []string
	for i := range 20 {
		picture := image.NewGray(image.Rect(0, 0, 200, 180))
		for y := range 180 {
			for x := range 200 {
				v := uint8(0)
				if x < 168 && y < 168 {
					v = test.Images[i*784+y/6*28+x/6]
				}
				picture.SetGray(x, y, color.Gray{255 - v})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, picture); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "digit.png")
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	stdout, stderr, code := lenet(t, append([]string{"predict", "--model", run, "--device=cpu", "--json"}, args...)...)
	var pictures []predict.Picture
	if err := json.Unmarshal([]byte(stdout), &pictures); err != nil || code != 0 || len(pictures) != 20 {
		t.Fatalf("exit code %d, standard error %q, error %v", code, stderr, err)
	}
	right := 0
	for i, p := range pictures {
		if p.Predicted == int(test.Labels[i]) {
			right++
		}
	}
	if right < 17 { // the network itself is right for nine of ten
		t.Errorf("%d of 20 pictures are read", right)
	}
	stdout, _, code = lenet(t, "predict", "--model", run, "--device=cpu", "--show", args[0])
	if code != 0 || !regexp.MustCompile(`(?s)[█▀▄]{3}.*digit\.png: \d, \d+\.\d %\n$`).MatchString(stdout) {
		t.Errorf("exit code %d, output\n%s", code, stdout)
	}
}

func TestReportIsOnePageWithoutTheNetwork(t *testing.T) {
	t.Parallel()
	run := learnt(t)
	page := filepath.Join(t.TempDir(), "new", "page.html")
	if _, stderr, code := lenet(t, "report", run, "--device=cpu", "--original", "--title=A <title>", "--out", page); code != 0 || stderr != "" {
		t.Fatalf("exit code %d, standard error %q", code, stderr)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	html := string(text)
	for _, want := range []string{
		"<!DOCTYPE html>", "A &lt;title&gt;", "prefers-color-scheme: dark", "width=device-width",
		"Accuracy by epoch", "Loss by epoch", "Training time by epoch", "Confusion matrix, 200 test images", "9 test images", "surest of", "libtorch", "2.11.0",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if links := regexp.MustCompile(`(src|href)="(https?:)?//|@import|url\(`).FindString(html); links != "" {
		t.Errorf("the page needs the network: %q", links)
	}
	if n, want := strings.Count(html, "<svg"), len(metrics.Measures)+3; n != want { // a plot of each measure, predictions, confusion, mistakes
		t.Errorf("%d pictures, want %d", n, want)
	}
}

func TestPlotInTheTerminal(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := lenet(t, "train", "--data", smallData(t, 100, 20), "--epochs=3", "--device=cpu", "--plot")
	if code != 0 || !onlyLearntNothing(stderr) || !strings.Contains(stdout, "training loss, epochs 1 to 3") || !strings.Contains(stdout, "accuracy, epochs 1 to 3: training, test") {
		t.Errorf("exit code %d, standard error %q, output\n%s", code, stderr, stdout)
	}
}

func TestTensorBoardFileIsInTheRunFolder(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "run")
	if _, stderr, code := lenet(t, "train", "--data", smallData(t, 100, 20), "--epochs=2", "--device=cpu", "--tensorboard", "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	files, _ := filepath.Glob(filepath.Join(out, "events.out.tfevents.*"))
	if len(files) != 1 {
		t.Fatalf("event files %q", files)
	}
	if b, err := os.ReadFile(files[0]); err != nil || bytes.Count(b, []byte("accuracy/test")) != 2 {
		t.Errorf("%s: %v", b, err)
	}
}
