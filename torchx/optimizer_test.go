package torchx

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
)

func TestSGDStepSubtractsTheLearningRateLastSetTimesTheGradient(t *testing.T) {
	err := Do(func(s *Scope) error {
		w := s.Own(torch.Full([]int64{2}, 3, true))
		opt, err := NewOptimizer([]torch.Tensor{w}, OptimizerOptions{Kind: "sgd", LearningRate: 7})
		if err != nil {
			return err
		}
		defer opt.Close()
		if err := opt.SetLearningRate(0.25); err != nil {
			return err
		}
		for range 2 { // without ZeroGrad the second step would take twice the gradient
			loss := s.Own(s.Own(w.Mul(w)).Sum()) // gradient 2w
			if err := errors.Join(opt.ZeroGrad(), Backward(loss), opt.Step()); err != nil {
				return err
			}
		}
		got := make([]float32, 2)
		if err := Read(got, w); err != nil {
			return err
		}
		if want := []float32{0.75, 0.75}; !slices.Equal(got, want) { // 3 → 1.5 → 0.75
			t.Errorf("after two steps w is %v, want %v", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The optimizers as PyTorch's documentation defines them, on f(w) = w²: gradient 2w. Adam's first step is the learning rate's length
// whatever the gradient, which tells it from AdamW only by the weight decay.
func TestOptimizersAreThoseOfTheirDefinitions(t *testing.T) {
	const steps, rate, decay, average = 5, 0.1, 0.05, 0.75
	betas := [2]float64{0.8, 0.95}
	for _, c := range []struct {
		name string
		o    OptimizerOptions
		step func(w, g float64, s *[2]float64, n int) float64
	}{
		{"sgd", OptimizerOptions{Kind: "sgd"}, func(w, g float64, _ *[2]float64, _ int) float64 { return w - rate*(g+decay*w) }},
		{"momentum", OptimizerOptions{Kind: "sgd", Momentum: 0.9}, func(w, g float64, s *[2]float64, _ int) float64 {
			s[0] = 0.9*s[0] + g + decay*w
			return w - rate*s[0]
		}},
		{"nesterov", OptimizerOptions{Kind: "sgd", Momentum: 0.9, Nesterov: true}, func(w, g float64, s *[2]float64, _ int) float64 {
			g += decay * w
			s[0] = 0.9*s[0] + g
			return w - rate*(g+0.9*s[0])
		}},
		{"adam", OptimizerOptions{Kind: "adam", Betas: betas}, func(w, g float64, s *[2]float64, n int) float64 {
			return w - adam(g+decay*w, s, n, rate, betas)
		}},
		{"adamw", OptimizerOptions{Kind: "adamw", Betas: betas}, func(w, g float64, s *[2]float64, n int) float64 {
			return w - rate*decay*w - adam(g, s, n, rate, betas)
		}},
	} {
		c.o.LearningRate, c.o.WeightDecay, c.o.Average = rate, decay, average
		want, mean, state := 3.0, 3.0, [2]float64{}
		for n := 1; n <= steps; n++ {
			want = c.step(want, 2*want, &state, n)
			mean = average*mean + (1-average)*want
		}
		err := Do(func(s *Scope) error {
			w := s.Own(torch.Full([]int64{1}, 3, true))
			opt, err := NewOptimizer([]torch.Tensor{w}, c.o)
			if err != nil {
				return err
			}
			defer opt.Close()
			for range steps {
				if err := errors.Join(opt.ZeroGrad(), Backward(s.Own(s.Own(w.Mul(w)).Sum())), opt.Step()); err != nil {
					return err
				}
			}
			for _, want := range []float64{want, mean, want} {
				var got [1]float32
				if err := Read(got[:], w); err != nil {
					return err
				}
				if math.Abs(float64(got[0])-want) > 1e-5 {
					t.Errorf("%s: w is %v, want %v", c.name, got[0], want)
				}
				if err := opt.SwapAverages(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAnUnknownOptimizerIsRefusedWithTheNamesThatThereAre(t *testing.T) {
	if names := OptimizerNames(); !slices.Equal(names, []string{"sgd", "adam", "adamw"}) {
		t.Errorf("the optimizers are %v", names)
	}
	for _, kind := range []string{"no-such", ""} {
		if _, err := NewOptimizer(nil, OptimizerOptions{Kind: kind}); err == nil || !strings.Contains(err.Error(), "the optimizers are sgd, adam, adamw") {
			t.Errorf("optimizer %q: %v", kind, err)
		}
	}
}

// Three steps, and three more by another optimizer with other tensors, which gets the parameters' values and the state: the same as six
// steps of one.
func TestAnOptimizerGoesOnFromAnothersState(t *testing.T) {
	names := map[string][]string{"sgd": {"momentum", "average"}, "adam": {"momentum", "square", "step", "average"}, "adamw": {"momentum", "square", "step", "average"}}
	for _, kind := range OptimizerNames() {
		o := OptimizerOptions{Kind: kind, LearningRate: 0.1, WeightDecay: 0.05, Momentum: 0.9, Betas: [2]float64{0.8, 0.95}, Average: 0.75}
		sizes := []int{2, 3}
		err := Do(func(s *Scope) error {
			steps := func(params []torch.Tensor, opt *Optimizer, n int) error {
				for range n {
					err := opt.ZeroGrad()
					for _, w := range params {
						squared := s.Own(w.Mul(w))
						err = errors.Join(err, Backward(s.Own(s.Own(squared.Mul(w)).Sum()))) // of w³
					}
					if err := errors.Join(err, opt.Step()); err != nil {
						return err
					}
				}
				return nil
			}
			start := func(value float32) (params []torch.Tensor, opt *Optimizer, err error) {
				for _, n := range sizes {
					params = append(params, s.Own(torch.Full([]int64{int64(n)}, value, true)))
				}
				opt, err = NewOptimizer(params, o)
				return params, opt, err
			}
			// all are the values of the parameters, then of the state.
			all := func(params []torch.Tensor, opt *Optimizer) (values [][]float32) {
				read := func(x torch.Tensor, n int) {
					values = append(values, make([]float32, n))
					if err := Read(values[len(values)-1], x); err != nil {
						t.Error(err)
					}
				}
				for i, w := range params {
					read(w, sizes[i])
				}
				for i, x := range opt.State() {
					if want := names[kind][i/len(sizes)]; x.Name != want || x.Param != i%len(sizes) {
						t.Errorf("%s: state %d is %s of parameter %d, want %s of %d", kind, i, x.Name, x.Param, want, i%len(sizes))
					}
					n := sizes[x.Param]
					if x.Name == "step" {
						n = 1
					}
					read(x.Tensor, n)
				}
				return values
			}

			params, opt, err := start(2)
			if err != nil {
				return err
			}
			defer opt.Close()
			if err := steps(params, opt, 3); err != nil {
				return err
			}
			saved := all(params, opt)
			others, other, err := start(-1)
			if err != nil {
				return err
			}
			defer other.Close()
			if n, want := len(other.State()), len(names[kind])*len(sizes); n != want {
				t.Errorf("%s has %d states, want %d", kind, n, want)
			}
			for i, w := range others {
				if err := Write(w, saved[i]); err != nil {
					return err
				}
			}
			for i, x := range other.State() {
				if err := Write(x.Tensor, saved[len(others)+i]); err != nil {
					return err
				}
			}
			if err := errors.Join(steps(params, opt, 3), steps(others, other, 3)); err != nil {
				return err
			}
			want, got := all(params, opt), all(others, other)
			for i := range want {
				if !slices.Equal(got[i], want[i]) || slices.Equal(got[i], saved[i]) {
					t.Errorf("%s: of parameters and state, %d is %v, want %v, not %v", kind, i, got[i], want[i], saved[i])
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// adam returns what Adam subtracts at step n for the gradient g (Kingma, Ba 2015). s holds the two moments.
func adam(g float64, s *[2]float64, n int, rate float64, betas [2]float64) float64 {
	s[0] = betas[0]*s[0] + (1-betas[0])*g
	s[1] = betas[1]*s[1] + (1-betas[1])*g*g
	m, v := s[0]/(1-math.Pow(betas[0], float64(n))), s[1]/(1-math.Pow(betas[1], float64(n)))
	return rate * m / (math.Sqrt(v) + epsilon)
}
