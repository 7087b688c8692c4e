package torchx

import (
	"errors"
	"math"
	"slices"
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
	if _, err := NewOptimizer(nil, OptimizerOptions{Kind: "lion"}); err == nil {
		t.Error("there is an optimizer lion")
	}
}

// adam returns what Adam subtracts at step n for the gradient g (Kingma, Ba 2015). s holds the two moments.
func adam(g float64, s *[2]float64, n int, rate float64, betas [2]float64) float64 {
	s[0] = betas[0]*s[0] + (1-betas[0])*g
	s[1] = betas[1]*s[1] + (1-betas[1])*g*g
	m, v := s[0]/(1-math.Pow(betas[0], float64(n))), s[1]/(1-math.Pow(betas[1], float64(n)))
	return rate * m / (math.Sqrt(v) + epsilon)
}
