package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/optim"
	"lenet/runs"
	"lenet/train"
)

// Tests run this binary again, as lenet itself.
const beLenet = "LENET_TEST_BE_LENET"

func TestMain(m *testing.M) {
	if os.Getenv(beLenet) != "" {
		main()
	}
	os.Exit(run(m))
}

// shared is a folder that lasts as long as the tests: for what several of them read.
var shared string

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lenet-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared = dir
	return m.Run()
}

func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), beLenet+"=1")
	return cmd
}

// lenet runs the program in an empty folder.
func lenet(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return outcome(t, command(t, args...))
}

func outcome(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		t.Fatal(e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// inProcess does in this process, in an empty folder, what main does in its own, which takes a quarter of a second to start.
func inProcess(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	t.Chdir(t.TempDir())
	written := func(f **os.File, name string) func() string {
		before := *f
		file, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		*f = file
		return func() string {
			*f = before
			defer file.Close()
			text, err := os.ReadFile(file.Name())
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	out, err := written(&os.Stdout, "stdout"), written(&os.Stderr, "stderr")
	code = execute(args, t.Context)
	return out(), err(), code
}

// smallData returns a folder with the first images of MNIST.
func smallData(t testing.TB, training, test int) string {
	t.Helper()
	a, b := datasettest.MNIST(t)
	return datasettest.Dir(t, datasettest.First(a, training), datasettest.First(b, test))
}

// onlyLearntNothing says whether standard error has that notice alone, which a run of a few steps earns.
func onlyLearntNothing(stderr string) bool {
	return strings.HasPrefix(stderr, "lenet: the network has learnt nothing yet: ") && strings.Count(stderr, "\n") == 1
}

func TestTrainPrintsWhatTheReportPrints(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "run")
	stdout, stderr, code := lenet(t, "train", "--data", smallData(t, 200, 50), "--epochs", "2", "--device", "cpu", "--threads", "1", "--out", out)
	if code != 0 || !onlyLearntNothing(stderr) {
		t.Fatalf("exit code %d, standard error %q", code, stderr)
	}
	epochs, _, err := runs.Dir(out).Epochs()
	if err != nil || len(epochs) != 2 {
		t.Fatalf("%d epochs, error %v", len(epochs), err)
	}
	lines := regexp.QuoteMeta(epochLine(&epochs[0]) + "\n" + epochLine(&epochs[1]) + "\n") // whose form TestAnEpochsLineShowsWhatWasMeasured holds
	want := regexp.MustCompile(`^init net\.\.\.
  conv1 +Conv2d\(1 -> 6, 5x5\) .*
  pool1 .*
  conv2 .*
  pool2 .*
  fc1 .*
  fc2 .*
  fc3 .*
training on cpu
` + lines + `best test acc 0\.\d{3} \(epoch [12]\), final test acc 0\.\d{3}, total time \d+\.\d sec, saved in .*
$`)
	if !want.MatchString(stdout) {
		t.Errorf("it printed\n%s", stdout)
	}

	stdout, stderr, code = lenet(t, "eval", "--model", runs.Dir(out).Weights(), "--data", smallData(t, 1, 50), "--device", "cpu")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^loss \d\.\d{4}, test acc 0\.\d{3}, calibration error 0\.\d{4}\n`).MatchString(stdout) {
		t.Errorf("eval: exit code %d, standard error %q, output %q", code, stderr, stdout)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	out, pprof := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "cpu.pprof")
	stdout, _, code := lenet(t, "train", "--data", smallData(t, 20, 5), "--epochs=1", "--device=cpu", "--profile", "--pprof", pprof, "--out", out)
	if code != 0 || !regexp.MustCompile(`\nfirst step ended after \d\.\d\d s\npart +ms/epoch +share\nload +\d+\.\d +\d+\.\d%\ngradients [^$]*\nevaluate +\d+\.\d +\d+\.\d%\n`).MatchString(stdout) {
		t.Errorf("exit code %d, output %q", code, stdout)
	}
	if profile, err := os.ReadFile(pprof); err != nil || !bytes.HasPrefix(profile, []byte{0x1f, 0x8b}) { // gzip, as pprof files are
		t.Errorf("%s: %v, %d bytes", pprof, err, len(profile))
	}
	_, stderr, code := lenet(t, "train", "--pprof", filepath.Join(t.TempDir(), "no", "folder"), "--out", out)
	if code != 1 || !strings.Contains(stderr, "--pprof") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
}

func TestEveryOptionIsInConfigJSON(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "run")
	data := smallData(t, 20, 5)
	_, stderr, code := lenet(t, "train", "--data", data, "--epochs=1", "--batch-size=7", "--lr=0.25", "--seed=18446744073709551615", "--threads=3", "--kernels=reference", "--graph=off", "--no-data-on-device",
		"--recipe=fast", "--optimizer=adam", "--activation=tanh", "--momentum=0.5", "--no-nesterov", "--weight-decay=0.25", "--betas=0.5,0.75", "--schedule=cosine", "--warm-up=0.5", "--step-size=3", "--gamma=0.5",
		"--augment=shift=1.5,scale", "--label-smoothing=0.125", "--ema=0.5", "--validation=3", "--early-stop=2", "--out", out)
	if code != 0 || !regexp.MustCompile(`device auto: (the CPU, since |cuda:0, )`).MatchString(stderr) {
		t.Fatalf("exit code %d, standard error %q", code, stderr)
	}
	config, err := train.ReadConfig(runs.Dir(out))
	if err != nil {
		t.Fatal(err)
	}
	want := train.Defaults()
	want.Recipe, want.Validation, want.EarlyStop, want.Graph, want.Out = "fast", 3, 2, train.GraphOff, out
	want.Hyperparameters = train.Hyperparameters{LearningRate: 0.25, BatchSize: 7, Optimizer: "adam", Activation: "tanh", Seed: 1<<64 - 1}
	want.Epochs, want.LabelSmoothing, want.Augment = 1, 0.125, dataset.Augmentation{Shift: 1.5, Scale: 0.1}
	want.Settings = optim.Settings{Momentum: 0.5, Nesterov: false, WeightDecay: 0.25, Betas: []float64{0.5, 0.75}, EMA: 0.5}
	want.Schedule = optim.Schedule{Name: "cosine", WarmUp: 0.5, StepSize: 3, Gamma: 0.5}
	want.Dataset, want.Dir, want.Device, want.Threads, want.Kernels = "mnist", data, "cpu", 3, "reference"
	want.DataOnDevice = new(bool)
	if !reflect.DeepEqual(config.Options, want) {
		t.Errorf("config.json has %+v, want %+v", config.Options, want)
	}
}

func TestBadInputIsOneLineAndAnExitCode(t *testing.T) {
	data := smallData(t, 20, 5)
	idx := datasettest.IDX
	with := func(name string, content []byte) string {
		dir := smallData(t, 20, 5)
		datasettest.Write(t, dir, name, content)
		return dir
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a model and not a folder"), 0o666); err != nil {
		t.Fatal(err)
	}
	trained := learnt(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no command", nil, 2, "see lenet --help"},
		{"unknown command", []string{"trian"}, 2, "trian"},
		{"unknown flag", []string{"train", "--learning-rate=1"}, 2, "--learning-rate"},
		{"no number", []string{"train", "--epochs=many"}, 2, "--epochs"},
		{"batch size 0", []string{"train", "--batch-size=0"}, 2, "--batch-size is 0"},
		{"batch size negative", []string{"train", "--batch-size=-8"}, 2, "--batch-size is -8"},
		{"learning rate 0", []string{"train", "--lr=0"}, 2, "--lr is 0"},
		{"learning rate negative", []string{"train", "--lr=-1"}, 2, "--lr is -1"},
		{"learning rate NaN", []string{"train", "--lr=NaN"}, 2, "--lr is NaN"},
		{"epochs 0", []string{"train", "--epochs=0"}, 2, "--epochs is 0"},
		{"epochs negative", []string{"train", "--epochs=-1"}, 2, "--epochs is -1"},
		{"seed negative", []string{"train", "--seed=-1"}, 2, "--seed"},
		{"unknown device", []string{"train", "--device=tpu"}, 2, `--device is "tpu"`},
		{"no such GPU", []string{"train", "--device=cuda:200"}, 1, "give --device cpu"},
		{"unknown data set", []string{"train", "--dataset=minst"}, 2, "must be mnist, fashion-mnist, kmnist"},
		{"unknown data set to fetch", []string{"fetch", "minst"}, 2, "must be mnist, fashion-mnist, kmnist"},
		{"no data folder", []string{"train", "--data=nowhere"}, 1, "there is no folder nowhere"},
		{"empty file", []string{"train", "--data", with(datasettest.TrainImages, nil)}, 1, "too short"},
		{"truncated file", []string{"train", "--data", with(datasettest.TestImages, idx(dataset.Uint8, []int{5, 28, 28}, make([]byte, 9)))}, 1, "ends after 9 of the 3920 bytes"},
		{"corrupt file", []string{"train", "--data", with(datasettest.TrainLabels, []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})}, 1, "damaged"},
		{"labels as images", []string{"train", "--data", with(datasettest.TrainImages, idx(dataset.Uint8, []int{20}, make([]byte, 20)))}, 1, "swapped?"},
		{"wrong type", []string{"train", "--data", with(datasettest.TrainImages, idx(dataset.Float32, []int{20, 28, 28}, make([]byte, 20*28*28*4)))}, 1, "float32"},
		{"label 300", []string{"train", "--data", with(datasettest.TestLabels, idx(dataset.Int16, []int{5}, []byte{0, 1, 0, 2, 1, 44, 0, 3, 0, 4}))}, 1, "label 2 is 300"},
		{"two sets of options", []string{"train", "--transpose"}, 2, "--data must be given with --transpose"},
		{"out below a file", []string{"train", "--data", data, "--out", filepath.Join(file, "run")}, 1, "not a directory"},
		{"out in no writable place", []string{"train", "--data", data, "--out", "/proc/run"}, 1, "creating the folder"},
		{"no model", []string{"eval", "--data", data}, 1, "there is no run in runs/ here; train one, or name one with --model"},
		{"model missing", []string{"eval", "--data", data, "--model=none"}, 1, "no such file"},
		{"model of another shape", []string{"eval", "--data", data, "--model", otherShape(t)}, 1, "the network was trained on 32x32"},
		{"folder without a model", []string{"predict", "--model", data}, 1, "holds no trained network; name the folder of a run"},
		{"picture that is none", []string{"predict", "--model", trained, file}, 1, "not a PNG, JPEG"},
		{"predict nothing", []string{"predict", "--model", trained, "--count=0"}, 2, "--count is 0"},
		{"predict too many", []string{"predict", "--model", trained, "--count=401"}, 2, "--count is 401 and must be 1 to 400"},
		{"unknown data set that is not needed", []string{"predict", "--model", trained, "--dataset=minst", file}, 2, "must be mnist, fashion-mnist, kmnist"},
		{"unknown data set beside own data", []string{"eval", "--model", trained, "--data", data, "--dataset=minst"}, 2, "must be mnist, fashion-mnist, kmnist"},
		{"unknown data set beside own data to train on", []string{"train", "--data", data, "--dataset=minst"}, 2, "must be mnist, fashion-mnist, kmnist"},
		{"unknown data set beside own data to sweep on", []string{"tune", "--data", data, "--dataset=minst"}, 2, "must be mnist, fashion-mnist, kmnist"},
		{"report of no folder", []string{"report", "nowhere"}, 1, "no such file"},
		{"report of an empty folder", []string{"report", t.TempDir()}, 1, "holds no trained network; name the folder of a run"},
		{"report of a sweep that has no trials", []string{"report", emptySweep(t)}, 1, "has no trials yet"},
		{"empty sweep", []string{"tune", "--data", data, "--lr="}, 2, `--lr is ""`},
		{"sweep of nothing", []string{"tune", "--data", data, "--lr=2:1:1"}, 2, "has no values"},
		{"validation larger than the set", []string{"tune", "--data", data, "--validation=20"}, 2, "--validation is 20, and the training set has 20 images; give fewer"},
		{"resume nothing", []string{"tune", "--resume=nowhere"}, 1, "no run or sweep"},
		{"unknown recipe", []string{"train", "--recipe=slow"}, 2, "fast or report"},
		{"unknown augmentation", []string{"train", "--augment=blur"}, 2, "shift, rotate, scale"},
		{"model no safetensors", []string{"eval", "--data", data, "--model", file}, 1, "it is text, and weights are read from safetensors files; give a run's folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, code := inProcess(t, c.args...)
			isOneLine(t, stdout, stderr, code, c.code, c.want)
		})
	}
}

func isOneLine(t *testing.T, stdout, stderr string, code, wantCode int, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if code != wantCode || !strings.Contains(lines[len(lines)-1], want) || !strings.HasPrefix(lines[0], "lenet: ") {
		t.Errorf("exit code %d, want %d; standard error %q, want %q in it", code, wantCode, stderr, want)
	}
	if notices := strings.Count(stderr, "device auto"); len(lines) != 1+notices || strings.Contains(stdout, "epoch 1") {
		t.Errorf("standard error has %d lines: %s\noutput: %s", len(lines), stderr, stdout)
	}
}

// The process ends so, whoever finds the mistake: the parser, a package's Validate, or the run.
func TestTheProcessEndsWithTheLineAndTheCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"train", "--learning-rate=1"}, 2, "--learning-rate; see lenet --help"},
		{[]string{"train", "--batch-size=0"}, 2, "--batch-size is 0"},
		{[]string{"train", "--data=nowhere"}, 1, "there is no folder nowhere"},
	} {
		stdout, stderr, code := lenet(t, c.args...)
		isOneLine(t, stdout, stderr, code, c.code, c.want)
	}
}

// otherShape returns the path of a network for images of 32x32 pixels.
func otherShape(t *testing.T) string {
	t.Helper()
	spec := model.Report()
	spec.Rows, spec.Cols = 32, 32
	net, err := model.New(spec, model.Options{Kernels: compute.Fused, Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := net.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// emptySweep returns the folder of a sweep that was stopped in its first trial.
func emptySweep(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"config.json": `{"lr": "1,2", "batch_size": "1", "optimizer": "sgd", "activation": "relu", "seed": "1"}`, "tune.jsonl": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMoreThreadsThanCoresAreAllowed(t *testing.T) {
	t.Parallel()
	most := 4 * runtime.NumCPU()
	for given, notice := range map[int]string{most: "", 5000: fmt.Sprintf("lenet: threads: %d instead of 5000, since there are no more than 4 for each CPU\n", most)} {
		stdout, stderr, code := lenet(t, "train", "--data", smallData(t, 20, 5), "--epochs=1", "--device=cpu", "--threads", fmt.Sprint(given))
		rest, noticed := strings.CutPrefix(stderr, notice)
		if code != 0 || !noticed || !onlyLearntNothing(rest) || !strings.Contains(stdout, "epoch 1,") {
			t.Errorf("--threads %d: exit code %d, standard error %q, output %q", given, code, stderr, stdout)
		}
	}
}

func TestHelpShowsDefaults(t *testing.T) {
	t.Parallel()
	stdout, _, code := lenet(t, "train", "--help")
	for _, want := range []string{"--epochs", "Default 25.", "Default 256.", "Default 1.5.", "Default auto.", "--no-progress"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("train --help, exit code %d, lacks %q:\n%s", code, want, stdout)
		}
	}
	stdout, _, _ = lenet(t, "--help")
	for _, want := range []string{"train", "tune", "eval", "predict", "report", "fetch", "info"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("--help lacks %q:\n%s", want, stdout)
		}
	}
}

func TestInfoSaysHowManyThreadsAndWhy(t *testing.T) {
	t.Parallel()
	cmd := command(t, "info")
	cmd.Env = append(cmd.Env, "OMP_NUM_THREADS=3,2")
	if stdout, _, code := outcome(t, cmd); code != 0 || !strings.Contains(stdout, "threads      3, OMP_NUM_THREADS\n") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestInfoNamesVersions(t *testing.T) {
	t.Parallel()
	stdout, _, code := lenet(t, "info")
	if code != 0 || !regexp.MustCompile(`libtorch +2\.11\.0\n`).MatchString(stdout) || !regexp.MustCompile(`\ncuda +(\d+\.\d\n|there is no NVIDIA driver|this lenet was built without)`).MatchString(stdout) {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}
