package torchx

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
	F "github.com/wangkuiyi/gotorch/nn/functional"
)

func TestLinearIsLibtorchsLayersAndActivations(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(11, 12))
		values := normals(random)
		for _, sizes := range [][]int64{{65, 256, 120, 84, 10}, {257, 100, 7}, {1, 1, 1, 1}, {3, 5, 1, 9}, {2, 300, 33, 2}} {
			n := sizes[0]
			in, dy := []input{values(sizes[:2]...)}, values(n, sizes[len(sizes)-1])
			for i := 1; i+1 < len(sizes); i++ {
				in = append(in, values(sizes[i+1], sizes[i]), values(sizes[i+1]))
			}
			layers := func(in []torch.Tensor) (l []Layer) {
				for i := 1; i < len(in); i += 2 {
					l = append(l, Layer{in[i], in[i+1]})
				}
				return l
			}
			for _, f := range registry {
				got := differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor { return Linear(s, in[0], f, layers(in)...) }, dy.values, in...)
				want := onCPU(func() [][]float32 {
					return differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
						x := in[0]
						for i, l := range layers(in) {
							if i > 0 {
								x = f.Apply(s, x)
							}
							x = s.Own(F.Linear(x, l.Weight, l.Bias))
						}
						return x
					}, dy.values, in...)
				})
				for i := range want {
					if d := largestDifference(got[i], want[i]); !(d <= 1e-5) {
						t.Errorf("%v, activation %s: result %d differs by %.2g of the largest", sizes, f.Name, i, d)
					}
				}
			}
		}
	})
}

func TestLinearTakesImagesAsRows(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		err := Do(func(s *Scope) error {
			x := s.Own(torch.Rand([]int64{3, 2, 4, 5}, true))
			layer := Layer{s.Own(torch.Rand([]int64{7, 40}, true)), s.Own(torch.Rand([]int64{7}, true))}
			if err := errors.Join(Move(x, device), Move(layer.Weight, device), Move(layer.Bias, device)); err != nil {
				return err
			}
			y := Linear(s, x, sigmoid, layer)
			got, want := make([]float32, 21), make([]float32, 21)
			if err := errors.Join(Read(got, y), Read(want, s.Own(F.Linear(s.Own(torch.Flatten(x, 1, -1)), layer.Weight, layer.Bias)))); err != nil {
				return err
			}
			if d := largestDifference(got, want); !(d <= 1e-5) {
				t.Errorf("y differs by %.2g of the largest", d)
			}
			if err := Backward(s.Own(y.Sum())); err != nil {
				return err
			}
			if shape := s.Own(x.Grad()).Shape(); !slices.Equal(shape, []int64{3, 2, 4, 5}) {
				t.Errorf("the gradient of x is %v", shape)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// smoothed is what label smoothing is defined as (Szegedy et al. 2016), in float64: the loss and 3 times its gradient.
func smoothed(logits []float32, labels []uint8, smoothing float64) (loss float64, gradient []float32) {
	n, gradient := float64(len(labels)), make([]float32, len(logits))
	for i, label := range labels {
		var row [10]float64
		largest, sum := math.Inf(-1), 0.0
		for c := range row {
			row[c] = float64(logits[i*10+c])
			largest = max(largest, row[c])
		}
		for _, v := range row {
			sum += math.Exp(v - largest)
		}
		for c, v := range row {
			target := smoothing / 10
			if c == int(label) {
				target += 1 - smoothing
			}
			loss -= target * (v - largest - math.Log(sum)) / n
			gradient[i*10+c] = float32(3 * (math.Exp(v-largest)/sum - target) / n)
		}
	}
	return loss, gradient
}

func TestCrossEntropyIsLibtorchs(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(13, 14))
		for _, scale := range []float64{1, 1000} { // with 1000, exp(logit) is beyond float32
			logits, labels := input{make([]float32, 257*10), []int64{257, 10}}, make([]uint8, 257)
			for i := range logits.values {
				logits.values[i] = float32(random.NormFloat64() * scale)
			}
			for i := range labels {
				labels[i] = uint8(random.IntN(10))
			}
			got := differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
				return CrossEntropy(s, in[0], To(s, Bytes(s, labels, 257), device), 0)
			}, []float32{3}, logits)
			want := onCPU(func() [][]float32 {
				return differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
					return s.Own(F.CrossEntropy(in[0], Bytes(s, labels, 257), torch.Tensor{}, -100, "mean"))
				}, []float32{3}, logits)
			})
			for i := range want {
				if d := largestDifference(got[i], want[i]); !(d <= 1e-6) {
					t.Errorf("logits about %v: result %d differs by %.2g of the largest", scale, i, d)
				}
			}

			got = differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
				return CrossEntropy(s, in[0], To(s, Bytes(s, labels, 257), device), 0.2)
			}, []float32{3}, logits)
			loss, gradient := smoothed(logits.values, labels, 0.2)
			for i, want := range [][]float32{{float32(loss)}, gradient} {
				if d := largestDifference(got[i], want); !(d <= 2e-6) {
					t.Errorf("logits about %v, smoothed: result %d differs by %.2g of the largest", scale, i, d)
				}
			}
		}
	})
}

func TestOperatorsReportWhatDoesNotFit(t *testing.T) {
	tensor := func(s *Scope, shape ...int64) torch.Tensor { return s.Own(torch.Full(shape, 0, false)) }
	for name, f := range map[string]func(s *Scope){
		"a label of 10 among 10":      func(s *Scope) { CrossEntropy(s, tensor(s, 1, 10), Bytes(s, []uint8{10}, 1), 0) },
		"two labels for three images": func(s *Scope) { CrossEntropy(s, tensor(s, 3, 10), Bytes(s, []uint8{1, 2}, 2), 0) },
		"4 features for 5":            func(s *Scope) { Linear(s, tensor(s, 2, 4), sigmoid, Layer{tensor(s, 3, 5), tensor(s, 3)}) },
		"no linear layer":             func(s *Scope) { Linear(s, tensor(s, 2, 4), sigmoid) },
		"no convolution":              func(s *Scope) { ConvPool(s, tensor(s, 1, 1, 9, 9), None) },
		"3 channels for 1":            func(s *Scope) { ConvPool(s, tensor(s, 2, 3, 9, 9), None, Layer{tensor(s, 5, 1, 5, 5), tensor(s, 5)}) },
	} {
		err := Do(func(s *Scope) error {
			f(s)
			return nil
		})
		if e := new(Error); !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
