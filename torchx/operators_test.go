package torchx

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
	F "github.com/wangkuiyi/gotorch/nn/functional"
)

// levels are the vector instructions that this processor has kernels for, by libtorch's names.
func levels() []string {
	all := []string{"DEFAULT", "AVX2", "AVX512"}
	if i := slices.Index(all, CPUCapability()); i >= 0 {
		return all[:i+1]
	}
	return all[:1]
}

// forEachLevel runs test with every kind of kernels in turn.
func forEachLevel(t *testing.T, test func(t *testing.T)) {
	for _, level := range levels() {
		t.Run(level, func(t *testing.T) {
			if err := useKernels(level); err != nil {
				t.Fatal(err)
			}
			test(t)
		})
	}
	if err := useKernels(""); err != nil {
		t.Fatal(err)
	}
}

// A block is one use of the operator: the shapes and values of what goes in, and the gradient of what comes out.
type block struct {
	n, in, out, rows, cols int64
	x, weight, bias, dy    []float32
}

// newBlock draws every value from draw.
func newBlock(n, in, out, rows, cols int64, draw func() float32) *block {
	values := func(n int64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = draw()
		}
		return v
	}
	b := &block{n: n, in: in, out: out, rows: rows, cols: cols}
	b.x, b.weight, b.bias = values(n*in*rows*cols), values(out*in*25), values(out)
	b.dy = values(n * out * ((rows - 4) / 2) * ((cols - 4) / 2))
	return b
}

// results are y and the gradients of x, weight and bias.
type results [4][]float32

var resultNames = [4]string{"y", "gradient of x", "gradient of weight", "gradient of bias"}

// run applies f to the block, and passes dy back.
func (b *block) run(t *testing.T, f func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor) (r results) {
	t.Helper()
	err := Do(func(s *Scope) error {
		tensor := func(values []float32, grad bool, shape ...int64) torch.Tensor {
			x := s.Own(torch.Full(shape, 0, grad))
			if err := Write(x, values); err != nil {
				t.Fatal(err)
			}
			return x
		}
		x := tensor(b.x, true, b.n, b.in, b.rows, b.cols)
		weight, bias := tensor(b.weight, true, b.out, b.in, 5, 5), tensor(b.bias, true, b.out)
		y := f(s, x, Layer{weight, bias})
		dy := tensor(b.dy, false, b.n, b.out, (b.rows-4)/2, (b.cols-4)/2)
		if err := Backward(s.Own(s.Own(y.Mul(dy)).Sum())); err != nil {
			return err
		}
		for i, v := range []torch.Tensor{y, s.Own(x.Grad()), s.Own(weight.Grad()), s.Own(bias.Grad())} {
			r[i] = make([]float32, []int{len(b.dy), len(b.x), len(b.weight), len(b.bias)}[i])
			if err := Read(r[i], v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byLibtorch is what the operator stands for.
func byLibtorch(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
	for _, l := range layers {
		x = s.Own(F.Conv2d(x, l.Weight, l.Bias, []int64{1, 1}, []int64{0, 0}, []int64{1, 1}, 1))
		x = s.Own(F.MaxPool2d(x, []int64{2, 2}, []int64{2, 2}, []int64{0, 0}, []int64{1, 1}, false))
	}
	return x
}

func byLibtorchSigmoid(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
	for _, l := range layers {
		x = byLibtorch(s, x, l)
		x = s.Own(x.Sigmoid())
	}
	return x
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

// All values are eighths from -1 to 1, so every sum is exact in float32, in whatever order: results must be the same to the bit,
// and of the many ties in a maximum, each must go to the position that libtorch chooses.
func TestConvPoolIsLibtorchsConvolutionAndPooling(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		eighth := func() float32 { return float32(random.IntN(17)-8) / 8 }
		shapes := [][5]int64{{256, 1, 6, 28, 28}, {257, 6, 16, 12, 12}, {1, 1, 1, 6, 6}, {3, 1, 6, 17, 6}, {2, 6, 9, 6, 23}, {1, 16, 33, 8, 9}}
		for range 30 {
			shapes = append(shapes, [5]int64{1 + random.Int64N(40), 1 + random.Int64N(8), 1 + random.Int64N(40), 6 + random.Int64N(16), 6 + random.Int64N(16)})
		}
		for _, sh := range shapes {
			b := newBlock(sh[0], sh[1], sh[2], sh[3], sh[4], eighth)
			got, want := b.run(t, ConvPool), b.run(t, byLibtorch)
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("batch %d, %d -> %d channels, %dx%d: %s differs by %.2g of the largest", sh[0], sh[1], sh[2], sh[3], sh[4], resultNames[i], largestDifference(got[i], want[i]))
				}
			}
			got, want = b.run(t, ConvPoolSigmoid), b.run(t, byLibtorchSigmoid)
			for i := range want {
				if d := largestDifference(got[i], want[i]); !(d <= 1e-5) {
					t.Errorf("batch %d, %d -> %d channels, %dx%d, sigmoid: %s differs by %.2g of the largest", sh[0], sh[1], sh[2], sh[3], sh[4], resultNames[i], d)
				}
			}
		}
	})
}

// The operator is linear between changes of the largest: central differences over a step that is small beside the distances between
// random values have no other error than rounding.
func TestConvPoolsGradientsAreItsDifferences(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(3, 4))
		b := newBlock(2, 3, 5, 8, 10, func() float32 { return float32(random.NormFloat64()) })
		value := func() float64 { // of the sum of y * dy, as run has it
			y, sum := b.run(t, ConvPool)[0], 0.0
			for i := range y {
				sum += float64(y[i]) * float64(b.dy[i])
			}
			return sum
		}
		analytic := b.run(t, ConvPool)
		for i, at := range [][]float32{b.x, b.weight, b.bias} {
			for range 20 {
				const h = 1.0 / 512
				j := random.IntN(len(at))
				at[j] += h
				above := value()
				at[j] -= 2 * h
				below := value()
				at[j] += h
				numeric, got := (above-below)/(2*h), float64(analytic[i+1][j])
				if math.Abs(numeric-got) > 1e-2*max(1, math.Abs(got)) {
					t.Errorf("%s [%d] is %v, and the difference %v", resultNames[i+1], j, got, numeric)
				}
			}
		}
	})
}

func TestConvPoolTakesBytesAsFractionsOf255(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(5, 6))
		b := newBlock(9, 1, 6, 28, 28, func() float32 { return float32(random.NormFloat64()) })
		pixels := make([]uint8, len(b.x))
		for i := range pixels {
			pixels[i] = uint8(random.IntN(256))
			b.x[i] = float32(pixels[i]) / 255
		}
		want := b.run(t, byLibtorch)
		got := b.run(t, func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
			sum := s.Own(x.Sum())
			nothing := s.Own(sum.Mul(s.Own(torch.Full([]int64{1}, 0, false))))
			y := ConvPool(s, Bytes(s, pixels, 9, 1, 28, 28), layers...)
			return s.Own(y.Add(nothing, 1)) // so that x has a gradient, 0
		})
		for _, i := range []int{0, 2, 3} {
			if d := largestDifference(got[i], want[i]); !(d <= 1e-5) {
				t.Errorf("%s differs by %.2g of the largest", resultNames[i], d)
			}
		}
	})
}

func TestConvPoolSigmoidIsRightEverywhere(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		x := []float32{-200, -100, -88, -87, -20, -1e-3, 0, 1e-3, 0.5, 1, 5, 17, 88, 100, 200}
		b := newBlock(int64(len(x)), 1, 1, 6, 6, func() float32 { return 0 })
		for i, v := range x {
			b.x[i*36] = v // the first pixel, through a filter that keeps only that one; the other three positions have 0
		}
		b.weight[0] = 1
		got := b.run(t, ConvPoolSigmoid)[0]
		for i, v := range x {
			want := 1 / (1 + math.Exp(-math.Max(float64(v), 0)))
			if math.Abs(float64(got[i])-want) > 1.2e-7*want {
				t.Errorf("sigmoid(%v) is %v, want %v", max(v, 0), got[i], want)
			}
		}
		b.weight[0] = -1 // and where all four are below 0
		b.bias[0] = -30
		for i := range b.x {
			b.x[i] = 0
		}
		if got, want := float64(b.run(t, ConvPoolSigmoid)[0][0]), 1/(1+math.Exp(30)); math.Abs(got-want) > 1e-6*want {
			t.Errorf("sigmoid(-30) is %v, want %v", got, want)
		}
	})
}

// As in libtorch's own max-pool.
func TestNotANumberIsTheLargest(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		b := newBlock(1, 1, 1, 8, 8, func() float32 { return 1 })
		b.x[0] = float32(math.NaN()) // seen by the first of the four positions of y's first element alone
		for _, f := range []func(*Scope, torch.Tensor, ...Layer) torch.Tensor{ConvPool, byLibtorch, ConvPoolSigmoid} {
			y := b.run(t, f)[0]
			if nan := fmt.Sprint(y[0] != y[0], y[1] != y[1], y[2] != y[2], y[3] != y[3]); nan != "true false false false" {
				t.Errorf("y is %v", y)
			}
		}
	})
}

func TestConvPoolsBitsDependOnTheNumberOfThreadsAlone(t *testing.T) {
	runtime.LockOSThread() // the number of threads is the calling thread's
	defer runtime.UnlockOSThread()
	before := NumThreads()
	defer func() { _ = SetNumThreads(before) }()
	random := rand.New(rand.NewPCG(7, 8))
	b := newBlock(61, 6, 16, 12, 12, func() float32 { return float32(random.NormFloat64()) })
	for _, threads := range []int{1, 2, 3} {
		if err := SetNumThreads(threads); err != nil {
			t.Fatal(err)
		}
		first := b.run(t, ConvPoolSigmoid)
		for range 20 {
			again := b.run(t, ConvPoolSigmoid)
			for i := range first {
				if !slices.Equal(first[i], again[i]) {
					t.Fatalf("%d threads: %s is not the same twice", threads, resultNames[i])
				}
			}
		}
	}
}

func TestConvPoolLeavesOtherFiltersToLibtorch(t *testing.T) {
	err := Do(func(s *Scope) error {
		x, bias := s.Own(torch.Rand([]int64{2, 1, 9, 9}, false)), s.Own(torch.Full([]int64{2}, 0, false))
		got := ConvPool(s, x, Layer{s.Own(torch.Full([]int64{2, 1, 3, 3}, 1, false)), bias})
		if shape := got.Shape(); !slices.Equal(shape, []int64{2, 2, 3, 3}) {
			t.Errorf("a 3x3 filter of 9x9 images gives %v", shape)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	var e *Error
	err = Do(func(s *Scope) error {
		ConvPool(s, s.Own(torch.Rand([]int64{2, 3, 9, 9}, false)), Layer{s.Own(torch.Rand([]int64{2, 1, 5, 5}, false)), s.Own(torch.Rand([]int64{2}, false))})
		return nil
	})
	if !errors.As(err, &e) {
		t.Errorf("3 channels for a filter of 1: %v", err)
	}
	if err := useKernels("MMX"); err == nil {
		t.Error("there are kernels for MMX")
	}
}
