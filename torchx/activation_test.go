package torchx

import (
	"errors"
	"math"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/torchx/reference"
)

func TestActivationsAndTheirSlopesAreThoseOfTheirDefinitions(t *testing.T) {
	x := input{[]float32{-10, -3, -1, -0.75, -0.5, -1e-3, 1e-3, 0.5, 0.75, 1, 3, 10}, []int64{12}}
	ones := []float32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	for _, f := range registry {
		want, ok := reference.Activations[f.Name]
		if !ok {
			t.Errorf("package reference has no formula of %s", f.Name)
			continue
		}
		r := differentiate(t, func(s *Scope, in []torch.Tensor) torch.Tensor { return f.Apply(s, in[0]) }, ones, x)
		for i, v := range x.values {
			y, slope := want.Value(float64(v)), want.Slope(float64(v))
			if math.Abs(float64(r[0][i])-y) > 2e-6*max(1, math.Abs(y)) || math.Abs(float64(r[1][i])-slope) > 2e-6 {
				t.Errorf("%s at %v is %v with slope %v, want %v and %v", f.Name, v, r[0][i], r[1][i], y, slope)
			}
		}
	}
}

func TestAnActivationThatIsNotRegisteredIsRefused(t *testing.T) {
	for _, f := range []Activation{{}, {Name: "sigmoid", Monotone: true, SlopeFromOutput: true}, {number: -1}, {number: len(registry) + 1}} {
		for name, use := range map[string]func(s *Scope) error{
			"Apply":      func(s *Scope) error { f.Apply(s, s.Own(torch.Full([]int64{3}, 1, false))); return nil },
			"NewNetwork": func(*Scope) error { _, err := NewNetwork(28, 28, f, nil); return err },
		} {
			if e, err := new(Error), Do(use); !errors.As(err, &e) || !strings.Contains(e.Text, "activation") {
				t.Errorf("%s with %+v: %v", name, f, err)
			}
		}
	}
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
