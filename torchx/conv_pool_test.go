package torchx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
	F "github.com/wangkuiyi/gotorch/nn/functional"
)

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

// resultNames name what a block's run returns.
var resultNames = [4]string{"y", "gradient of x", "gradient of weight", "gradient of bias"}

// run applies f to the block, and passes dy back.
func (b *block) run(t *testing.T, f func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor) [][]float32 {
	t.Helper()
	return differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor { return f(s, in[0], Layer{in[1], in[2]}) }, b.dy,
		input{b.x, []int64{b.n, b.in, b.rows, b.cols}}, input{b.weight, []int64{b.out, b.in, 5, 5}}, input{b.bias, []int64{b.out}})
}

// want is run on the CPU.
func (b *block) want(t *testing.T, f func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor) [][]float32 {
	return onCPU(func() [][]float32 { return b.run(t, f) })
}

// operator is ConvPool with an activation; byLibtorch is the same by libtorch's operators.
func operator(f Activation) func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
	return func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor { return ConvPool(s, x, f, layers...) }
}

func byLibtorch(f Activation) func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
	return func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
		for _, l := range layers {
			x = s.Own(F.Conv2d(x, l.Weight, l.Bias, []int64{1, 1}, []int64{0, 0}, []int64{1, 1}, 1))
			pool := func() { x = s.Own(F.MaxPool2d(x, []int64{2, 2}, []int64{2, 2}, []int64{0, 0}, []int64{1, 1}, false)) }
			if f.Monotone { // then the order matters only where f of different values is the same
				pool()
			}
			x = f.Apply(s, x)
			if !f.Monotone {
				pool()
			}
		}
		return x
	}
}

// named returns the activation of a name, which must exist.
func named(name string) Activation {
	f, err := LookupActivation(name)
	if err != nil {
		panic(err)
	}
	return f
}

var sigmoid, tanh, relu = named("sigmoid"), named("tanh"), named("relu")

// All values are eighths from -1 to 1, so every sum is exact in float32, in whatever order: results must be the same to the bit,
// and each of the many ties in a maximum must go to the position that libtorch chooses. An activation adds a rounding error. It is largest
// in the slope of a saturated tanh, 1 - y²: 1e-4 of the largest value. Every shape is without one and with one of the others in turn.
func TestConvPoolIsLibtorchsConvolutionAndPooling(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		eighth := func() float32 { return float32(random.IntN(17)-8) / 8 }
		shapes := [][5]int64{{65, 1, 6, 28, 28}, {257, 6, 16, 12, 12}, {1, 1, 1, 6, 6}, {3, 1, 6, 17, 6}, {2, 6, 9, 6, 23}, {1, 16, 33, 8, 9}}
		for range 30 {
			shapes = append(shapes, [5]int64{1 + random.Int64N(40), 1 + random.Int64N(8), 1 + random.Int64N(40), 6 + random.Int64N(16), 6 + random.Int64N(16)})
		}
		others := Activations()
		for i, sh := range shapes {
			b := newBlock(sh[0], sh[1], sh[2], sh[3], sh[4], eighth)
			for _, f := range []Activation{None, others[i%len(others)]} {
				got, want := b.run(t, operator(f)), b.want(t, byLibtorch(f))
				for i := range want {
					if d := largestDifference(got[i], want[i]); !(slices.Equal(got[i], want[i]) || f != None && d <= 1e-5 || f == tanh && d <= 1e-4) {
						t.Errorf("batch %d, %d -> %d channels, %dx%d, activation %s: %s differs by %.2g of the largest", sh[0], sh[1], sh[2], sh[3], sh[4], f.Name, resultNames[i], d)
					}
				}
			}
		}
	})
}

// The operator is linear as long as each maximum stays at its position. Central differences over a step that is small beside the distances
// between random values have therefore no error but rounding.
func TestConvPoolsGradientsAreItsDifferences(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(3, 4))
		b := newBlock(2, 3, 5, 8, 10, func() float32 { return float32(random.NormFloat64()) })
		value := func() float64 { // of the sum of y * dy, as run has it
			y, sum := b.run(t, operator(None))[0], 0.0
			for i := range y {
				sum += float64(y[i]) * float64(b.dy[i])
			}
			return sum
		}
		analytic := b.run(t, operator(None))
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
		want := b.want(t, byLibtorch(None))
		got := b.run(t, func(s *Scope, x torch.Tensor, layers ...Layer) torch.Tensor {
			sum := s.Own(x.Sum())
			nothing := s.Own(sum.Mul(To(s, s.Own(torch.Full([]int64{1}, 0, false)), device)))
			y := ConvPool(s, To(s, Bytes(s, pixels, 9, 1, 28, 28), device), None, layers...)
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
		got := b.run(t, operator(sigmoid))[0]
		tolerance := 1.2e-7
		if device != "cpu" {
			tolerance = 3e-7 // CUDA's expf errs by two units in the last place
		}
		for i, v := range x {
			want := 1 / (1 + math.Exp(-math.Max(float64(v), 0)))
			if math.Abs(float64(got[i])-want) > tolerance*want {
				t.Errorf("sigmoid(%v) is %v, want %v", max(v, 0), got[i], want)
			}
		}
		b.weight[0] = -1 // and where all four are below 0
		b.bias[0] = -30
		for i := range b.x {
			b.x[i] = 0
		}
		if got, want := float64(b.run(t, operator(sigmoid))[0][0]), 1/(1+math.Exp(30)); math.Abs(got-want) > 1e-6*want {
			t.Errorf("sigmoid(-30) is %v, want %v", got, want)
		}
	})
}

// As in libtorch's own max-pool.
func TestNotANumberIsTheLargest(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		b := newBlock(1, 1, 1, 8, 8, func() float32 { return 1 })
		b.x[0] = float32(math.NaN()) // seen by the first of the four positions of y's first element alone
		for _, f := range []func(*Scope, torch.Tensor, ...Layer) torch.Tensor{operator(None), byLibtorch(None), operator(sigmoid), operator(tanh), operator(relu)} {
			y := b.run(t, f)[0]
			if nan := fmt.Sprint(y[0] != y[0], y[1] != y[1], y[2] != y[2], y[3] != y[3]); nan != "true false false false" {
				t.Errorf("y is %v", y)
			}
		}
	})
}

// Together or one after the other, the same sums are made in the same order.
func TestConvPoolOfSeveralLayersIsOneAfterTheOther(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(9, 10))
		values := normals(random)
		for _, f := range []func(*Scope, torch.Tensor, ...Layer) torch.Tensor{operator(None), operator(sigmoid)} {
			for _, n := range []int64{1, 9} {
				x, dy := values(n, 2, 46, 44), values(n, 3, 2, 2)
				layers := []input{values(6, 2, 5, 5), values(6), values(16, 6, 5, 5), values(16), values(3, 16, 5, 5), values(3)}
				in := append([]input{x}, layers...)
				together := differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
					return f(s, in[0], Layer{in[1], in[2]}, Layer{in[3], in[4]}, Layer{in[5], in[6]})
				}, dy.values, in...)
				apart := differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
					return f(s, f(s, f(s, in[0], Layer{in[1], in[2]}), Layer{in[3], in[4]}), Layer{in[5], in[6]})
				}, dy.values, in...)
				for i := range apart {
					if !slices.Equal(together[i], apart[i]) {
						t.Errorf("batch %d: result %d differs by %.2g of the largest", n, i, largestDifference(together[i], apart[i]))
					}
				}
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
		first := b.run(t, operator(sigmoid))
		for range 20 {
			again := b.run(t, operator(sigmoid))
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
		got := ConvPool(s, x, None, Layer{s.Own(torch.Full([]int64{2, 1, 3, 3}, 1, false)), bias})
		if shape := got.Shape(); !slices.Equal(shape, []int64{2, 2, 3, 3}) {
			t.Errorf("a 3x3 filter of 9x9 images gives %v", shape)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := useKernels("MMX"); err == nil {
		t.Error("there are kernels for MMX")
	}
}
