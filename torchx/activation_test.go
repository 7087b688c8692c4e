package torchx

import (
	"errors"
	"math"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
)

// formulas are the activations and their derivatives, as their definitions have them.
var formulas = map[string]struct{ value, slope func(x float64) float64 }{
	"none":    {func(x float64) float64 { return x }, func(float64) float64 { return 1 }},
	"sigmoid": {logistic, func(x float64) float64 { return logistic(x) * (1 - logistic(x)) }},
	"tanh":    {math.Tanh, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }},
	"relu":    {func(x float64) float64 { return max(x, 0) }, func(x float64) float64 { return math.Ceil(min(max(x, 0), 1)) }},
	"gelu":    {gelu, func(x float64) float64 { return gelu(x)/x + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi) }},
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// gelu is x times the probability that a normally distributed value is below x (Hendrycks, Gimpel 2016).
func gelu(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }

// ways are the ways to apply an activation to x [N], each with a network around it that leaves values as they are.
var ways = map[string]func(s *Scope, x torch.Tensor, f Activation) torch.Tensor{
	"Apply": func(s *Scope, x torch.Tensor, f Activation) torch.Tensor { return f.Apply(s, x) },
	"Linear": func(s *Scope, x torch.Tensor, f Activation) torch.Tensor {
		same := Layer{constant(s, 1, 1, 1), constant(s, 0, 1)}
		return Linear(s, s.Own(x.View(-1, 1)), f, same, same)
	},
	"ConvPool": func(s *Scope, x torch.Tensor, f Activation) torch.Tensor { // every pixel of a 6x6 image is its value of x
		pixel := s.Own(x.View(-1, 1, 1, 1))
		images := s.Own(pixel.Mul(constant(s, 1, 1, 1, 6, 6)))
		return ConvPool(s, images, f, Layer{constant(s, 1./25, 1, 1, 5, 5), constant(s, 0, 1)})
	},
}

// constant returns a tensor of one value on the tests' device.
func constant(s *Scope, value float32, shape ...int64) torch.Tensor {
	return To(s, s.Own(torch.Full(shape, value, false)), device)
}

func TestActivationsAndTheirSlopesAreThoseOfTheirDefinitions(t *testing.T) {
	x := input{[]float32{-10, -3, -1, -0.75, -0.5, -1e-3, 1e-3, 0.5, 0.75, 1, 3, 10}, []int64{12}}
	ones := []float32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	forEachLevel(t, func(t *testing.T) {
		for _, f := range registry {
			want, ok := formulas[f.Name]
			if !ok {
				t.Errorf("this test has no formula of %s", f.Name)
				continue
			}
			for name, way := range ways {
				r := differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor {
					y := way(s, in[0], f)
					return s.Own(y.View(-1))
				}, ones, x)
				for i, v := range x.values {
					y, slope := want.value(float64(v)), want.slope(float64(v))
					if math.Abs(float64(r[0][i])-y) > 2e-6*max(1, math.Abs(y)) || math.Abs(float64(r[1][i])-slope) > 2e-6 {
						t.Errorf("%s of %s at %v is %v with slope %v, want %v and %v", name, f.Name, v, r[0][i], r[1][i], y, slope)
					}
				}
			}
		}
	})
}

// The largest value need not have the largest activation.
func TestConvPoolAppliesAnActivationThatFallsBeforeItTakesTheMaximum(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		b := newBlock(1, 1, 1, 6, 6, func() float32 { return 0 })
		b.weight[0], b.dy[0] = 1, 1 // the filter keeps the first pixel of a patch
		for pixel, v := range map[int]float32{0: -0.5, 1: -0.75, 6: -3, 7: -1} {
			b.x[pixel] = v
		}
		r := b.run(t, operator(named("gelu")))
		if want := gelu(-3); math.Abs(float64(r[0][0])-want) > 1e-6 {
			t.Errorf("y is %v, want %v", r[0][0], want)
		}
		for pixel, got := range r[1] {
			want := 0.0
			if pixel == 6 {
				want = formulas["gelu"].slope(-3)
			}
			if math.Abs(float64(got)-want) > 1e-6 {
				t.Errorf("the gradient of pixel %d is %v, want %v", pixel, got, want)
			}
		}
	})
}

func TestAnActivationThatIsNotRegisteredIsRefused(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		for _, f := range []Activation{{}, {Name: "sigmoid", Monotone: true, SlopeFromOutput: true}, {number: -1}, {number: len(registry) + 1}} {
			for name, way := range ways {
				err := Do(func(s *Scope) error {
					way(s, constant(s, 1, 3), f)
					return nil
				})
				if e := new(Error); !errors.As(err, &e) || !strings.Contains(e.Text, "activation") {
					t.Errorf("%s with %+v: %v", name, f, err)
				}
			}
		}
	})
}

func TestLookupActivationNamesThoseThatThereAre(t *testing.T) {
	for _, f := range Activations() {
		if got, err := LookupActivation(f.Name); got != f || err != nil {
			t.Errorf("%s: %+v (%v), want %+v", f.Name, got, err, f)
		}
	}
	for _, name := range []string{"", "none", "no-such"} {
		f, err := LookupActivation(name)
		if f != (Activation{}) || err == nil || !strings.HasSuffix(err.Error(), "the activations are sigmoid, tanh, relu, gelu") {
			t.Errorf("%q: %+v, %v", name, f, err)
		}
	}
}
