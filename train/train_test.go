package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/predict"
	"lenet/torchx"
	"lenet/train"
)

// reporter counts, and calls onBatch after every step.
type reporter struct {
	t       testing.TB
	steps   int
	epochs  []train.Metrics
	onBatch func()
}

func (r *reporter) Log(line string)       { r.t.Log(line) }
func (r *reporter) Network(*model.LeNet)  {}
func (r *reporter) Device(string)         {}
func (r *reporter) Epoch(m train.Metrics) { r.epochs = append(r.epochs, m) }
func (r *reporter) Batch(int, torchx.Sums, int) {
	r.steps++
	if r.onBatch != nil {
		r.onBatch()
	}
}

// options are those of a short run on the first images of MNIST.
func options(t testing.TB, training, test int) train.Options {
	t.Helper()
	a, b := datasettest.MNIST(t)
	var o train.Options
	o.Dir = datasettest.Dir(t, datasettest.First(a, training), datasettest.First(b, test))
	o.Device, o.Threads, o.Kernels = "cpu", 1, model.Fused
	o.Recipe, o.Graph = "report", train.GraphAuto
	o.Setting = train.Setting{LearningRate: 1.5, BatchSize: 64, Optimizer: "sgd", Activation: model.Sigmoid, Seed: 1}
	o.Method = train.Method{Epochs: 2, Betas: []float64{0.9, 0.999}, Schedule: train.Constant, StepSize: 10, Gamma: 0.1}
	o.Out = filepath.Join(t.TempDir(), "run")
	return o
}

func run(t testing.TB, o train.Options) (*train.Summary, *reporter) {
	t.Helper()
	r := &reporter{t: t}
	s, err := train.Run(t.Context(), o, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// saved returns the loss and the accuracy on the test set of a run's weights, from its folder.
func saved(t testing.TB, o train.Options) (loss, accuracy float64) {
	t.Helper()
	net, err := predict.Open(predict.Options{Model: o.Out, ComputeOptions: o.ComputeOptions}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	test, err := net.Test(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	r, err := net.Evaluate(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	return r.Loss, r.Accuracy
}

// The report's network, settings and data, without stand-ins. It leaves the plateau after 3 to 6 epochs (README), so eight of
// its 25 do.
func TestTheReportsRunLearnsMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for eight epochs")
	}
	o := options(t, 1, 1)
	o.Dir, o.Dataset = "", "mnist"
	o.Epochs, o.BatchSize, o.Threads = 8, 256, 0
	s, _ := run(t, o)
	t.Logf("best %+v", s.Best())
	if best := s.Best().TestAccuracy; best < 0.9 {
		t.Errorf("after %d epochs the best test accuracy is %v", o.Epochs, best)
	}
	loss, accuracy := saved(t, o)
	if accuracy != s.Final().TestAccuracy || !(loss > 0 && loss < 1) {
		t.Errorf("the saved weights have accuracy %v and loss %v; training ended with accuracy %v", accuracy, loss, s.Final().TestAccuracy)
	}
}

func TestRunLeavesConfigMetricsAndWeights(t *testing.T) {
	o := options(t, 200, 50)
	s, r := run(t, o)
	if r.steps != 8 || len(r.epochs) != 2 {
		t.Errorf("%d steps in %d epochs", r.steps, len(r.epochs))
	}
	var config map[string]any
	if err := json.Unmarshal(read(t, o.Out, train.ConfigFile), &config); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"epochs": 2.0, "batch_size": 64.0, "lr": 1.5, "seed": 1.0, "device": "cpu", "threads": 1.0, "data": o.Dir, "out": o.Out} {
		if config[key] != want {
			t.Errorf("config.json has %s %v, want %v", key, config[key], want)
		}
	}
	if versions := config["versions"].(map[string]any); versions["libtorch"] == "" || versions["lenet"] != "test" {
		t.Errorf("versions %v", versions)
	}
	var metrics []train.Metrics
	for line := range bytes.Lines(read(t, o.Out, train.MetricsFile)) {
		var m train.Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		metrics = append(metrics, m)
	}
	if !slices.Equal(metrics, s.Metrics) || !slices.Equal(metrics, r.epochs) {
		t.Errorf("metrics.jsonl has %+v, the summary %+v", metrics, s.Metrics)
	}
	if m := metrics[1]; m.Epoch != 2 || m.Loss < 1 || m.Loss > 4 || m.TrainSeconds <= 0 || m.EvalSeconds <= 0 || math.Abs(m.ImagesPerSecond*m.TrainSeconds-200) > 1e-6 {
		t.Errorf("metrics %+v", m)
	}
	var names []string
	entries, err := os.ReadDir(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{train.ConfigFile, train.MetricsFile, train.WeightsFile}) {
		t.Errorf("the run folder has %q", names)
	}
}

func TestSameSeedSameBits(t *testing.T) {
	weights := func(seed uint64, threads int) []byte {
		o := options(t, 300, 20)
		o.Seed, o.Threads, o.Epochs = seed, threads, 3
		run(t, o)
		return read(t, o.Out, train.WeightsFile)
	}
	for _, threads := range []int{1, 2} {
		if !bytes.Equal(weights(4, threads), weights(4, threads)) {
			t.Errorf("with %d threads, two runs of seed 4 differ", threads)
		}
	}
	if bytes.Equal(weights(4, 1), weights(5, 1)) {
		t.Error("seeds 4 and 5 give the same weights")
	}
}

func TestFusedAndReferenceKernelsTrainAlike(t *testing.T) {
	outcome := func(kernels model.Kernels) train.Metrics {
		o := options(t, 640, 100)
		o.Kernels = kernels
		s, _ := run(t, o)
		return s.Final()
	}
	fused, reference := outcome(model.Fused), outcome(model.Reference)
	if math.Abs(fused.Loss-reference.Loss) > 1e-5 || math.Abs(fused.TestAccuracy-reference.TestAccuracy) > 0.02 {
		t.Errorf("after two epochs fused kernels have %+v, the reference %+v", fused, reference)
	}
}

func TestProfileAccountsForTheWholeRun(t *testing.T) {
	s, _ := run(t, options(t, 640, 100))
	total := 0.0
	for i, d := range s.Profile {
		if onGPU := train.PartNames[i] == "device"; (d <= 0) != onGPU {
			t.Errorf("%s took %v", train.PartNames[i], d)
		}
		total += d.Seconds()
	}
	if total < s.Seconds { // which leaves saving out
		t.Errorf("the parts are %v s, and the epochs %v s", total, s.Seconds)
	}
}

func TestRunDoesNotOverwriteUnlessForced(t *testing.T) {
	o := options(t, 64, 10)
	o.Epochs = 1
	run(t, o)
	before := read(t, o.Out, train.WeightsFile)
	o.Seed = 9
	if _, err := train.Run(t.Context(), o, "test", &reporter{t: t}); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(before, read(t, o.Out, train.WeightsFile)) {
		t.Error("the weights were overwritten")
	}
	o.Force = true
	run(t, o)
	if bytes.Equal(before, read(t, o.Out, train.WeightsFile)) {
		t.Error("the weights are the old ones")
	}
	if lines := bytes.Count(read(t, o.Out, train.MetricsFile), []byte("\n")); lines != 1 {
		t.Errorf("metrics.jsonl has %d lines", lines)
	}
}

func TestRunEndsWithItsContextAndSaves(t *testing.T) {
	o := options(t, 640, 10)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	r := &reporter{t: t}
	r.onBatch = func() {
		if r.steps == 13 {
			cancel(why)
		}
	}
	_, err := train.Run(ctx, o, "test", r)
	var interrupted *train.Interrupted
	if !errors.As(err, &interrupted) || !errors.Is(err, why) || interrupted.Epoch != 2 {
		t.Fatalf("error %v", err)
	}
	if r.steps != 13 {
		t.Errorf("%d steps, and the context ended after 13", r.steps)
	}
	net, err := model.Open(interrupted.Weights, 28, 28, model.Fused, "cpu")
	if err != nil {
		t.Fatal(err)
	}
	net.Close()
	if lines := bytes.Count(read(t, o.Out, train.MetricsFile), []byte("\n")); lines != 1 {
		t.Errorf("metrics.jsonl has %d lines after one whole epoch", lines)
	}
}

// The first step's loss is fine and its update is not; what comes next finds that out: another step, or the test.
func TestALossThatIsNotFiniteStopsTheRun(t *testing.T) {
	for kernels, want := range map[model.Kernels]string{
		model.Fused:     "not finite at step 2 of epoch 1 with learning rate 1e+38",
		model.Reference: "not finite when tested after epoch 1, with learning rate 1e+38",
	} {
		o := options(t, 128, 10)
		o.LearningRate, o.Kernels = 1e38, kernels
		if kernels == model.Reference {
			o.BatchSize = 128
		}
		s, err := train.Run(t.Context(), o, "test", &reporter{t: t})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: error %v", kernels, err)
		}
		if len(s.Metrics) != 0 {
			t.Errorf("%d whole epochs", len(s.Metrics))
		}
		if _, err := os.Stat(filepath.Join(o.Out, train.WeightsFile)); err == nil {
			t.Error("it saved the weights")
		}
	}
}

func TestABatchLargerThanTheSetIsOneBatch(t *testing.T) {
	o := options(t, 100, 10)
	o.BatchSize, o.Epochs = 1<<20, 1
	if _, r := run(t, o); r.steps != 1 {
		t.Errorf("%d steps", r.steps)
	}
}

func TestAGraphOnTheCPUIsAMistake(t *testing.T) {
	o := options(t, 1, 1)
	o.Graph = train.GraphOn
	var usage train.UsageError
	if _, err := train.Run(t.Context(), o, "test", &reporter{t: t}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "--graph on") {
		t.Errorf("error %v", err)
	}
}

func TestRunRefusesImagesThatAreTooSmall(t *testing.T) {
	o := options(t, 1, 1)
	tiny := &dataset.Set{Rows: 15, Cols: 28, Images: make([]uint8, 15*28), Labels: []uint8{1}}
	o.Dir = datasettest.Dir(t, tiny, tiny)
	if _, err := train.Run(t.Context(), o, "test", &reporter{t: t}); err == nil || !strings.Contains(err.Error(), "15x28") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(o.Out); err == nil {
		t.Error("it made a run folder")
	}
}

func TestValidateNamesTheFlag(t *testing.T) {
	for want, change := range map[string]func(*train.Options){
		"--recipe":           func(o *train.Options) { o.Recipe = "slow" },
		"--optimizer":        func(o *train.Options) { o.Optimizer = "lion" },
		"--activation":       func(o *train.Options) { o.Activation = "gelu" },
		"--momentum":         func(o *train.Options) { o.Momentum = 1 },
		"--nesterov":         func(o *train.Options) { o.Nesterov = true },
		"--weight-decay":     func(o *train.Options) { o.WeightDecay = -1 },
		"--betas":            func(o *train.Options) { o.Betas = []float64{0.9} },
		"--betas are [2":     func(o *train.Options) { o.Betas = []float64{2, 0.9} },
		"--schedule":         func(o *train.Options) { o.Schedule = "linear" },
		"--warm-up":          func(o *train.Options) { o.WarmUp = 3 },
		"--step-size":        func(o *train.Options) { o.StepSize = 0 },
		"--gamma":            func(o *train.Options) { o.Gamma = 0 },
		"--label-smoothing":  func(o *train.Options) { o.LabelSmoothing = 1 },
		"--ema":              func(o *train.Options) { o.EMA = math.NaN() },
		"--validation":       func(o *train.Options) { o.Validation = -1 },
		"--early-stop":       func(o *train.Options) { o.EarlyStop = -1 },
		"--early-stop needs": func(o *train.Options) { o.EarlyStop = 1 },
		"--augment": func(o *train.Options) {
			o.Augment.Shift, o.DataOnDevice = 1, new(bool)
			*o.DataOnDevice = true
		},
		"--epochs":     func(o *train.Options) { o.Epochs = 0 },
		"--batch-size": func(o *train.Options) { o.BatchSize = -1 },
		"--lr":         func(o *train.Options) { o.LearningRate = math.NaN() },
		"--lr is 0":    func(o *train.Options) { o.LearningRate = 0 },
		"--lr is +Inf": func(o *train.Options) { o.LearningRate = math.Inf(1) },
		"--threads":    func(o *train.Options) { o.Threads = -1 },
		"--device":     func(o *train.Options) { o.Device = "tpu" },
		`"cuda:"`:      func(o *train.Options) { o.Device = "cuda:" },
		`"cuda:-1"`:    func(o *train.Options) { o.Device = "cuda:-1" },
		`"cpu:0"`:      func(o *train.Options) { o.Device = "cpu:0" },
		"--kernels":    func(o *train.Options) { o.Kernels = "fast" },
		"--graph":      func(o *train.Options) { o.Graph = "yes" },
	} {
		o := options(t, 1, 1)
		o.Device = "cuda:3"
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&o)
		var usage train.UsageError
		if err := o.Validate(); !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want a UsageError with %s", err, want)
		}
	}
}

// 3000 steps after the first 300: no tensor, buffer or string of a step may stay.
func TestMemoryIsFlat(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	o := options(t, 300, 10)
	o.BatchSize, o.Epochs = 10, 110
	r := &reporter{t: t}
	var early, late int
	r.onBatch = func() {
		switch r.steps {
		case 300:
			early = anonymousKiB(t)
		case 3300:
			late = anonymousKiB(t)
		}
	}
	if _, err := train.Run(t.Context(), o, "test", r); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KiB after 300 steps, %d KiB after 3300", early, late)
	if late-early > 5<<10 {
		t.Errorf("3000 steps left %d KiB", late-early)
	}
}

// anonymousKiB is the memory in RAM that belongs to no file, once Go has given back what it does not use.
func anonymousKiB(t *testing.T) int {
	debug.FreeOSMemory()
	for line := range bytes.Lines(read(t, "/proc/self/status")) {
		if fields := strings.Fields(string(line)); fields[0] == "RssAnon:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no RssAnon")
	return 0
}
