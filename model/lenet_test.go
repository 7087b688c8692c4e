package model_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/compute"
	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/torchx"
	"lenet/torchx/reference"
)

// network returns a seeded network for images of rows x cols.
func network(t testing.TB, seed uint64, rows, cols int) *model.LeNet {
	t.Helper()
	spec := model.Report()
	spec.Rows, spec.Cols = rows, cols
	return networkOf(t, spec, compute.Fused, seed)
}

func networkOf(t testing.TB, spec model.Spec, kernels compute.Kernels, seed uint64) *model.LeNet {
	t.Helper()
	net, err := model.New(spec, model.Options{Kernels: kernels, Device: "cpu", Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.Close)
	return net
}

func values(t testing.TB, x torch.Tensor, n int) []float32 {
	t.Helper()
	v := make([]float32, n)
	if err := torchx.Read(v, x); err != nil {
		t.Fatal(err)
	}
	return v
}

func size(p model.Parameter) int {
	n := 1
	for _, d := range p.Shape {
		n *= int(d)
	}
	return n
}

func TestNetworkHasTheReportsParameters(t *testing.T) {
	net := network(t, 1, 28, 28)
	total := 0
	var names []string
	for _, p := range net.Parameters() {
		if !slices.Equal(p.Tensor.Shape(), p.Shape) {
			t.Errorf("%s is %v, and its shape says %v", p.Name, p.Tensor.Shape(), p.Shape)
		}
		total += size(p)
		names = append(names, p.Name)
	}
	if total != 44426 {
		t.Errorf("%d parameters, the report has 44426", total)
	}
	if got := strings.Join(names, " "); got != "conv1.weight conv1.bias conv2.weight conv2.bias fc1.weight fc1.bias fc2.weight fc2.bias fc3.weight fc3.bias" {
		t.Errorf("names %s", got)
	}
}

// A uniform distribution on (-a, a) has the variance a²/3; Xavier's a is sqrt(6 / (fan in + fan out)).
func TestWeightsAreXavierUniformAndBiasesZero(t *testing.T) {
	fans := map[string]float64{"conv1.weight": 25 + 150, "conv2.weight": 150 + 400, "fc1.weight": 256 + 120, "fc2.weight": 120 + 84, "fc3.weight": 84 + 10}
	for _, p := range network(t, 1, 28, 28).Parameters() {
		v := values(t, p.Tensor, size(p))
		if strings.HasSuffix(p.Name, "bias") {
			if slices.ContainsFunc(v, func(x float32) bool { return x != 0 }) {
				t.Errorf("%s is not zero", p.Name)
			}
			continue
		}
		a, sum, squares := math.Sqrt(6/fans[p.Name]), 0.0, 0.0
		for _, x := range v {
			if math.Abs(float64(x)) > a*(1+1e-6) {
				t.Fatalf("%s has %v, outside of ±%v", p.Name, x, a)
			}
			sum += float64(x)
			squares += float64(x) * float64(x)
		}
		n := float64(len(v))
		deviation := math.Sqrt(a * a / 3)
		if mean := sum / n; math.Abs(mean) > 4*deviation/math.Sqrt(n) {
			t.Errorf("%s has the mean %v", p.Name, mean)
		}
		if ratio := squares / n / (a * a / 3); math.Abs(ratio-1) > 4*math.Sqrt(0.8/n) { // the variance of x²/E(x²) is 4/5
			t.Errorf("%s has %v times the variance", p.Name, ratio)
		}
	}
}

func TestSameSeedSameWeights(t *testing.T) {
	first := func(seed uint64) []float32 {
		return values(t, network(t, seed, 28, 28).Parameters()[4].Tensor, 120*256)
	}
	if !slices.Equal(first(7), first(7)) {
		t.Error("seed 7 gives two different networks")
	}
	if slices.Equal(first(7), first(8)) {
		t.Error("seeds 7 and 8 give the same network")
	}
}

// Real images, biases that are not zero, and every gradient: the largest difference from the independent implementation is below
// 1e-5 of the largest value.
func TestOneStepAgreesWithTheReference(t *testing.T) {
	for _, activation := range model.Names["activations"] {
		for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} {
			t.Run(activation+" "+string(kernels), func(t *testing.T) { testOneStep(t, activation, kernels, 0) })
			t.Run(activation+" "+string(kernels)+" smoothed", func(t *testing.T) { testOneStep(t, activation, kernels, 0.1) })
		}
	}
}

func testOneStep(t *testing.T, activation string, kernels compute.Kernels, smoothing float64) {
	const n = 32
	_, test := datasettest.MNIST(t)
	spec := model.Report()
	spec.Activation = activation
	net := networkOf(t, spec, kernels, 3)
	random := rand.New(rand.NewPCG(1, 2))
	ref := reference.LeNet{Rows: 28, Cols: 28, Channels: spec.Channels, Hidden: spec.Hidden, Classes: 10, Activation: activation}
	for i, p := range net.Parameters() {
		v := values(t, p.Tensor, size(p))
		for j := range v {
			v[j] += float32(random.NormFloat64() * 0.1)
			ref.Params[i] = append(ref.Params[i], float64(v[j]))
		}
		if err := torchx.Write(p.Tensor, v); err != nil {
			t.Fatal(err)
		}
	}
	var logits []float64
	loss, gradients := 0.0, ref.Zeros()
	for i, label := range test.Labels[:n] {
		r := ref.Run(test.Images[i*28*28:][:28*28], int(label), smoothing, &gradients)
		logits, loss = append(logits, r.Logits...), loss+r.Loss/n
	}

	total, err := torchx.NewAccumulator("cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer total.Close()
	err = torchx.Do(func(s *torchx.Scope) error {
		all := torchx.Batch{Images: torchx.Bytes(s, test.Images, int64(test.Len()), 1, 28, 28), Labels: torchx.Bytes(s, test.Labels, int64(test.Len()))}
		for i := range n {
			all.Order = append(all.Order, uint32(i))
		}
		if err := net.Differentiate(all, smoothing, total); err != nil {
			return err
		}
		sums, err := total.Read()
		if err != nil {
			return err
		}
		compare(t, "loss", []float32{float32(sums.Loss)}, []float64{loss})
		for i, p := range net.Parameters() {
			for j := range gradients[i] {
				gradients[i][j] /= n
			}
			compare(t, "gradient of "+p.Name, values(t, s.Own(p.Tensor.Grad()), size(p)), gradients[i])
		}
		images, _ := all.Gathered(s)
		compare(t, "logits", values(t, net.Forward(s, images), n*net.Classes), logits)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	worst, largest := 0.0, 0.0
	for i := range want {
		worst = max(worst, math.Abs(float64(got[i])-want[i]))
		largest = max(largest, math.Abs(want[i]))
	}
	t.Logf("%-24s largest %.3g, largest difference %.2g", name, largest, worst)
	if !(worst <= 1e-5*largest) {
		t.Errorf("%s differs by %v", name, worst)
	}
}

func TestNetworkTakesOtherImageSizes(t *testing.T) {
	net := network(t, 1, 16, 35)
	err := torchx.Do(func(s *torchx.Scope) error {
		logits := net.Forward(s, torchx.Bytes(s, make([]uint8, 2*16*35), 2, 1, 16, 35))
		if shape := logits.Shape(); !slices.Equal(shape, []int64{2, 10}) {
			t.Errorf("logits are %v", shape)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, side := range [][2]int{{15, 28}, {28, 15}, {0, 0}} {
		spec := model.Report()
		spec.Rows, spec.Cols = side[0], side[1]
		if _, err := model.New(spec, model.Options{Kernels: compute.Fused, Device: "cpu"}); err == nil || !strings.Contains(err.Error(), "at least 16x16") {
			t.Errorf("New(%d, %d): %v", side[0], side[1], err)
		}
	}
}

// Widths and classes stand in the Spec alone.
func TestNetworkTakesOtherWidths(t *testing.T) {
	spec := model.Spec{Rows: 20, Cols: 30, Channels: [2]int{3, 5}, Hidden: [2]int{17, 11}, Classes: 26, Activation: "relu"}
	for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} {
		net := networkOf(t, spec, kernels, 1)
		err := torchx.Do(func(s *torchx.Scope) error {
			logits := net.Forward(s, torchx.Bytes(s, make([]uint8, 2*20*30), 2, 1, 20, 30))
			if shape := logits.Shape(); !slices.Equal(shape, []int64{2, 26}) {
				t.Errorf("%s: logits are %v", kernels, shape)
			}
			total, err := torchx.NewAccumulator("cpu")
			if err != nil {
				return err
			}
			defer total.Close()
			return net.Differentiate(torchx.Batch{Images: torchx.Bytes(s, make([]uint8, 2*20*30), 2, 1, 20, 30), Labels: torchx.Bytes(s, []uint8{0, 25}, 2)}, 0, total)
		})
		if err != nil {
			t.Errorf("%s: %v", kernels, err)
		}
	}
	want := []string{
		"  conv1  Conv2d(1 -> 3, 5x5)      relu     -> [N, 3, 16, 26]      78 parameters",
		"  pool1  MaxPool2d(2x2, stride 2)          -> [N, 3, 8, 13]",
		"  conv2  Conv2d(3 -> 5, 5x5)      relu     -> [N, 5, 4, 9]       380 parameters",
		"  pool2  MaxPool2d(2x2, stride 2)          -> [N, 5, 2, 4]",
		"  fc1    Linear(40 -> 17)         relu     -> [N, 17]            697 parameters",
		"  fc2    Linear(17 -> 11)         relu     -> [N, 11]            198 parameters",
		"  fc3    Linear(11 -> 26)                  -> [N, 26]            312 parameters",
	}
	if got := spec.Layers(); !slices.Equal(got, want) {
		t.Errorf("layers\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A name that one layer knows and another does not must train nothing: no default stands in for it.
func TestAnActivationThatIsNotInTheRegistryCannotTrain(t *testing.T) {
	spec := model.Report()
	for _, name := range []string{"no-such-activation", "", "none", "Sigmoid"} {
		spec.Activation = name
		for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} {
			if net, err := model.New(spec, model.Options{Kernels: kernels, Device: "cpu"}); err == nil {
				net.Close()
				t.Errorf("%s kernels make a network with the activation %q", kernels, name)
			}
		}
	}
}

func TestWhatTheFusedKernelsCannotDoRunsOnLibtorchsWithANotice(t *testing.T) {
	for _, f := range torchx.Activations() {
		var notices []string
		spec := model.Report()
		spec.Activation = f.Name
		net, err := model.New(spec, model.Options{Kernels: compute.Fused, Device: "cpu", Log: func(msg string) { notices = append(notices, msg) }})
		if err != nil {
			t.Fatal(err)
		}
		net.Close()
		want := compute.Fused
		if !f.Monotone || !f.SlopeFromOutput {
			want = compute.Reference
		}
		if net.Kernels != want || (len(notices) == 1) != (want == compute.Reference) {
			t.Errorf("%s runs on %s kernels, notices %q", f.Name, net.Kernels, notices)
		}
	}
}
