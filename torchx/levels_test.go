package torchx

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
)

// device is the device on which our operators are tested.
var device = "cpu"

// gpus are the GPUs whose kernels are tested: none, unless gpu_test.go is compiled.
var gpus []string

// levels are the kinds of kernels that can be tested here: for the vector instructions of this processor, by libtorch's names; a GPU's,
// emulated, of the compute capability 7.5 and of 9.0; and real GPUs.
func levels() []string {
	all := []string{"DEFAULT", "AVX2", "AVX512"}
	all = all[:1+max(0, slices.Index(all, CPUCapability()))]
	if runtime.GOOS == "linux" {
		all = append(all, "CUDA75")
		if !testing.Short() {
			all = append(all, "CUDA90")
		}
	}
	return append(all, gpus...)
}

// forEachLevel runs test with every kind of kernels in turn.
func forEachLevel(t *testing.T, test func(t *testing.T)) {
	for _, level := range levels() {
		t.Run(level, func(t *testing.T) {
			kernels := level
			if name, emulated := strings.CutPrefix(level, "CUDA"); emulated {
				t.Setenv("LENET_EMULATED_GPU", name)
				kernels = "CUDA"
			}
			if slices.Contains(gpus, level) {
				kernels, device = "", level
				defer func() { device = "cpu" }()
			}
			if err := UseKernels(kernels); err != nil {
				t.Fatal(err)
			}
			test(t)
		})
	}
	if err := UseKernels(""); err != nil {
		t.Fatal(err)
	}
}

// emulated says whether the test of a level is of an emulated GPU.
func emulated(t *testing.T) bool { return strings.HasPrefix(level(t), "CUDA") }

// An input of an operator, float32.
type input struct {
	values []float32
	shape  []int64
}

// differentiate applies f to the inputs and passes dy back. It returns y, and the gradient of each input.
func differentiate(t *testing.T, f func(s *Scope, in []torch.Tensor) torch.Tensor, dy []float32, inputs ...input) (r [][]float32) {
	t.Helper()
	err := Do(func(s *Scope) error {
		tensor := func(values []float32, grad bool, shape []int64) torch.Tensor {
			x := s.Own(torch.Full(shape, 0, grad))
			if err := errors.Join(Write(x, values), Move(x, device)); err != nil {
				t.Fatal(err)
			}
			return x
		}
		read := func(x torch.Tensor, n int) {
			r = append(r, make([]float32, n))
			if err := Read(r[len(r)-1], x); err != nil {
				t.Fatal(err)
			}
		}
		var in []torch.Tensor
		for _, i := range inputs {
			in = append(in, tensor(i.values, true, i.shape))
		}
		y := f(s, in)
		shape := y.Shape()
		if len(shape) == 0 {
			shape = []int64{1} // gotorch makes no tensors without dimensions
		}
		if err := Backward(s.Own(s.Own(y.Mul(tensor(dy, false, shape))).Sum())); err != nil {
			return err
		}
		read(y, len(dy))
		for i, x := range in {
			read(s.Own(x.Grad()), len(inputs[i].values))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// largestDifference is relative to the largest value.
func largestDifference(got, want []float32) float64 {
	difference, largest := 0.0, math.SmallestNonzeroFloat64
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= difference) {
			difference = d
		}
		largest = max(largest, math.Abs(float64(want[i])))
	}
	return difference / largest
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}
