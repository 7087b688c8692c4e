//go:build readers

// Package readers has real programs read what lenet writes, and lenet what they write: `make readers`.
package readers

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/export"
	"lenet/model"
	"lenet/predict"
	"lenet/torchx"
)

// Where make has put the programs: Python, node, the folder of node's packages, and lenet itself.
var (
	python  = os.Getenv("PYTHON")
	node    = os.Getenv("NODE")
	modules = os.Getenv("NODE_MODULES")
	program = os.Getenv("LENET")
)

// tolerance is of logits, as a share of the largest one, and of probabilities.
const tolerance = 1e-5

// A reading is what a program is told of a file to read, and what it is to find.
type reading struct {
	Model      string `json:"model,omitempty"`
	Activation string `json:"activation"`
	Rows       int    `json:"rows"`
	Cols       int    `json:"cols"`
	Images     string `json:"images"` // bytes
	Want       string `json:"want"`   // float32: what lenet yields of them
	Input      string `json:"input,omitempty"`
	Output     string `json:"output,omitempty"`

	// Of PyTorch: a weights file to read, and files to write.
	Weights string `json:"weights,omitempty"`
	Saved   string `json:"saved,omitempty"`
	Logits  string `json:"logits,omitempty"`
}

// A finding is what a program found.
type finding struct {
	Difference float64 `json:"difference"` // the largest
	Largest    float64 `json:"largest"`    // of the values that are compared
}

// do runs a command in a folder, and returns what it prints.
func do(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// findings has a program of this folder read files.
func findings(t *testing.T, interpreter, source string, readings []reading) []finding {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, source), text)
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(readings)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "readings.json"), list)
	var all []finding
	if err := json.Unmarshal([]byte(do(t, dir, interpreter, source, "readings.json")), &all); err != nil || len(all) != len(readings) {
		t.Fatalf("%d findings of %d files, error %v", len(all), len(readings), err)
	}
	return all
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

// A network is one that was trained for a moment, and its test images.
type network struct {
	spec           model.Spec
	dir            string // its run folder
	images, logits string // files
	values         []float32
}

// cropped returns a set of images of another size than MNIST's.
func cropped(s *dataset.Set, n, rows, cols int) *dataset.Set {
	c := datasettest.First(s, n)
	var images []uint8
	for i := range n {
		for row := range rows {
			images = append(images, c.Images[(i*s.Rows+row+(s.Rows-rows)/2)*s.Cols+(s.Cols-cols)/2:][:cols]...)
		}
	}
	c.Rows, c.Cols, c.Images = rows, cols, images
	return c
}

// networks trains one of each activation for each size of images.
func networks(t *testing.T) (all []network) {
	t.Helper()
	training, test := datasettest.MNIST(t)
	for _, size := range [][2]int{{28, 28}, {20, 24}} {
		data := datasettest.Dir(t, cropped(training, 20_000, size[0], size[1]), cropped(test, test.Len(), size[0], size[1]))
		images := filepath.Join(data, "images")
		pixels, err := os.ReadFile(filepath.Join(data, datasettest.TestImages))
		if err != nil {
			t.Fatal(err)
		}
		pixels = pixels[16:] // behind the header
		write(t, images, pixels)
		for _, f := range model.Names["activations"] {
			dir := filepath.Join(t.TempDir(), f)
			do(t, "", program, "train", "--recipe=fast", "--activation="+f, "--data="+data, "--device=cpu", "--no-progress", "--out="+dir)
			n := network{dir: dir, images: images, logits: filepath.Join(dir, "logits")}
			n.values = n.run(t, dir, predict.Defaults(), pixels, false)
			write(t, n.logits, encoded(n.values))
			write(t, n.logits+"-int8", encoded(n.run(t, dir, predict.Defaults(), pixels, true)))
			all = append(all, n)
		}
	}
	return all
}

// run returns lenet's logits, perhaps with rounded weights, and sets the network's Spec.
func (n *network) run(t *testing.T, weights string, o predict.Options, pixels []uint8, round bool) (all []float32) {
	t.Helper()
	o.Model, o.Device = weights, "cpu"
	net, err := predict.Open(t.Context(), o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	n.spec = net.Spec
	if round {
		if err := export.RoundWeights(net.LeNet); err != nil {
			t.Fatal(err)
		}
	}
	size := net.Rows * net.Cols
	for begin := 0; begin < len(pixels); begin += 1000 * size {
		part := pixels[begin:min(begin+1000*size, len(pixels))]
		logits := make([]float32, len(part)/size*net.Classes)
		err := torchx.Do(func(s *torchx.Scope) error {
			return torchx.NoGrad(func() error {
				return torchx.Read(logits, net.Forward(s, torchx.Bytes(s, part, int64(len(part)/size), 1, int64(net.Rows), int64(net.Cols))))
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, logits...)
	}
	return all
}

func encoded(values []float32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// softmax returns the probabilities of logits.
func softmax(logits []float32, classes int) (all []float32) {
	for i := 0; i < len(logits); i += classes {
		sum := 0.0
		for _, v := range logits[i:][:classes] {
			sum += math.Exp(float64(v))
		}
		for _, v := range logits[i:][:classes] {
			all = append(all, float32(math.Exp(float64(v))/sum))
		}
	}
	return all
}

// exported exports a network in each way.
func exported(t *testing.T, n *network) (all []reading) {
	t.Helper()
	probabilities := filepath.Join(n.dir, "probabilities")
	write(t, probabilities, encoded(softmax(n.values, n.spec.Classes)))
	for i, how := range []struct {
		input, output, want string
		flags               []string
	}{
		{"float32", "logits", n.logits, nil},
		{"uint8", "logits", n.logits, []string{"--input=uint8"}},
		{"uint8", "probabilities", probabilities, []string{"--input=uint8", "--softmax"}},
		{"float32", "logits", n.logits + "-int8", []string{"--quantize=int8"}},
	} {
		path := filepath.Join(n.dir, fmt.Sprintf("model-%d.onnx", i))
		do(t, "", program, append([]string{"export", "--model=" + n.dir, "--device=cpu", "--out=" + path}, how.flags...)...)
		all = append(all, reading{Model: path, Activation: n.spec.Activation, Rows: n.spec.Rows, Cols: n.spec.Cols, Images: n.images, Want: how.want, Input: how.input, Output: how.output})
	}
	return all
}

func compare(t *testing.T, by string, readings []reading, all []finding) {
	t.Helper()
	for i, f := range all {
		r := readings[i]
		t.Logf("%s: %s, %dx%d, %s -> %s: difference %.2g, values up to %.3g", by, r.Activation, r.Rows, r.Cols, r.Input, r.Output, f.Difference, f.Largest)
		if !(f.Difference <= tolerance*max(f.Largest, 1)) {
			t.Errorf("%s: %+v: %+v", by, r, f)
		}
	}
}

func TestOnnxruntimeAndPyTorchYieldTheSame(t *testing.T) {
	all := networks(t)
	var onnx, torch []reading
	for i := range all {
		n := &all[i]
		onnx = append(onnx, exported(t, n)...)
		torch = append(torch, reading{
			Activation: n.spec.Activation, Rows: n.spec.Rows, Cols: n.spec.Cols, Images: n.images, Want: n.logits,
			Weights: filepath.Join(n.dir, "model.safetensors"), Saved: filepath.Join(t.TempDir(), "net.safetensors"), Logits: filepath.Join(n.dir, "torch"),
		})
	}
	compare(t, "onnxruntime", onnx, findings(t, python, "onnxruntime_check.py", onnx))
	compare(t, "onnxruntime-web", onnx, findings(t, node, "web_check.mjs", onnx))
	compare(t, "PyTorch", torch, findings(t, python, "pytorch_check.py", torch))
	for i, r := range torch {
		got := lenetReads(t, &all[i], r)
		want, err := os.ReadFile(r.Logits)
		if err != nil || len(want) != 4*len(got) {
			t.Fatalf("%d bytes, error %v", len(want), err)
		}
		f := finding{}
		for i, v := range got {
			w := math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:]))
			f.Difference, f.Largest = max(f.Difference, math.Abs(float64(v-w))), max(f.Largest, math.Abs(float64(w)))
		}
		compare(t, "lenet, of PyTorch's", torch[i:i+1], []finding{f})
	}
}

// lenetReads returns lenet's logits with the weights that PyTorch saved.
func lenetReads(t *testing.T, n *network, r reading) []float32 {
	t.Helper()
	pixels, err := os.ReadFile(n.images)
	if err != nil {
		t.Fatal(err)
	}
	o := predict.Defaults()
	o.Activation, o.Dir = r.Activation, filepath.Dir(n.images)
	return n.run(t, r.Saved, o, pixels, false)
}
