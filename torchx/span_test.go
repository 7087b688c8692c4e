package torchx

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/torchx/reference"
)

// randomOrder returns n indices below m in random order; of more than m, some come again.
func randomOrder(n, m int) []uint32 {
	random := rand.New(rand.NewPCG(7, 9))
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(random.IntN(m))
	}
	return order
}

// optimizers are one of each rule, with all that it can do.
var optimizers = map[string]OptimizerOptions{
	"sgd":      {Kind: "sgd"},
	"momentum": {Kind: "sgd", Momentum: 0.9, WeightDecay: 0.01, Average: 0.7},
	"nesterov": {Kind: "sgd", Momentum: 0.9, Nesterov: true},
	"adam":     {Kind: "adam", Betas: [2]float64{0.9, 0.999}, WeightDecay: 0.01},
	"adamw":    {Kind: "adamw", Betas: [2]float64{0.9, 0.999}, WeightDecay: 0.01, Average: 0.9},
}

// trained returns the parameters, the optimizer's states and the sums after all images of an order, in batches of a size: trained on the CPU, step by step;
// or, on a GPU, in spans of so many batches.
func (n *testSet) trained(t *testing.T, o OptimizerOptions, order []uint32, size, span int) (values [][]float32, sums Sums) {
	t.Helper()
	n.use(t, func(s *Scope, u *net, all Batch) error {
		o.LearningRate = 1
		opt, err := NewOptimizer(u.params, o)
		if err != nil {
			return err
		}
		defer opt.Close()
		rate := func(step int) float32 { return 0.02 / float32(1+step) }
		steps := 0
		for first := 0; first < len(order); {
			if span == 0 {
				b := Batch{Images: all.Images, Labels: all.Labels, Order: order[first:min(first+size, len(order))]}
				err = errors.Join(opt.SetLearningRate(float64(rate(steps))), u.Differentiate(b, 0.1, u.total), opt.Step())
				first, steps = first+b.Len(), steps+1
			} else {
				indices, err := NewIndices(s, device, len(order))
				if err != nil {
					return err
				}
				images, err := View(s, all.Images, 0, int64(len(n.labels)), int64(n.Rows*n.Cols))
				if err != nil {
					return err
				}
				b := Span{Samples: Samples{images, all.Labels}, Order: indices, First: first, Len: min(span*size, len(order)-first), BatchSize: size}
				var rates []float32
				for i := range b.Batches() {
					rates = append(rates, rate(steps+i))
				}
				if err := errors.Join(WriteIndices(indices, order), u.Train(&b, opt, rates, 0.1, u.total)); err != nil {
					return err
				}
				first, steps = first+b.Len, steps+b.Batches()
			}
			if err != nil {
				return err
			}
		}
		read := func(p torch.Tensor) error {
			v := make([]float32, product(p.Shape()))
			values = append(values, v)
			return Read(v, p)
		}
		for _, p := range u.params {
			err = errors.Join(err, read(p))
		}
		for _, p := range opt.State() {
			err = errors.Join(err, read(p.Tensor))
		}
		sums = u.sums(t)
		return err
	})
	return values, sums
}

// Ten steps, of batches of which the last is smaller, move the weights as libtorch's optimizers do on the CPU.
func TestASpanTrainsAsTheCPUDoes(t *testing.T) {
	small := reference.LeNet{Rows: 17, Cols: 20, Channels: [2]int{3, 5}, Hidden: [2]int{17, 11}, Classes: 12, Activation: "tanh"}
	for name, o := range optimizers {
		sets := map[string]*testSet{"the report's": newTestSet(report("sigmoid"), 30, 3), "small": newTestSet(small, 30, 4)}
		if name != "sgd" {
			delete(sets, "the report's") // the emulator is slow
		}
		for of, set := range sets {
			order := randomOrder(45, 30)
			want, sums := set.trained(t, o, order, 10, 0)
			before := set.Params
			forEachGPU(t, func(t *testing.T) {
				got, gotSums := set.trained(t, o, order, 10, 100)
				what := fmt.Sprintf("%s, %s network", name, of)
				if gotSums.Images != 45 || gotSums.Accuracy != sums.Accuracy || abs(gotSums.Loss-sums.Loss) > 1e-5*sums.Loss {
					t.Errorf("%s: %+v, want %+v", what, gotSums, sums)
				}
				for i := range want {
					moved := append([]float32(nil), want[i]...)
					if i < len(before) {
						for j := range moved {
							moved[j] -= float32(before[i][j])
						}
					}
					apart := float32(0)
					for j := range want[i] {
						apart = max(apart, float32(abs(float64(got[i][j]-want[i][j]))))
					}
					if most := max(slices.Max(moved), -slices.Min(moved)); !(apart <= 1e-3*most) {
						t.Errorf("%s: tensor %d is %.2g apart, and moved by %.2g", what, i, apart, most)
					}
				}
			})
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

// The same bits, whatever the order of the blocks and threads, in one span and in several; and step by step, where each batch has the same size. Of the
// report's network, a block has one image of the smaller batches and two of the larger ones.
func TestASpanIsItsStepsToTheBit(t *testing.T) {
	small := newTestSet(reference.LeNet{Rows: 18, Cols: 16, Channels: [2]int{2, 4}, Hidden: [2]int{9, 7}, Classes: 5, Activation: "relu"}, 40, 5)
	large := newTestSet(report("sigmoid"), 20, 6)
	forEachGPU(t, func(t *testing.T) {
		for _, c := range []struct {
			set           *testSet
			optimizer     string
			batches, size int
			last          int // images of another batch
			spans         []int
		}{{small, "momentum", 50, 8, 0, []int{100, 7, 0}}, {small, "adamw", 50, 8, 0, []int{7, 0}}, {large, "momentum", 2, 5, 3, []int{1}}, {large, "sgd", 2, 3, 1, []int{1}}} {
			order := randomOrder(c.batches*c.size+c.last, len(c.set.labels))
			want, sums := c.set.trained(t, optimizers[c.optimizer], order, c.size, 100)
			for _, span := range c.spans {
				got, gotSums := c.set.trained(t, optimizers[c.optimizer], order, c.size, span)
				what := fmt.Sprintf("%s, %d classes, batches of %d, spans of %d", c.optimizer, c.set.Classes, c.size, span)
				if gotSums != sums {
					t.Errorf("%s: %+v, and %+v", what, gotSums, sums)
				}
				for i := range want {
					if !slices.Equal(got[i], want[i]) {
						t.Errorf("%s: tensor %d differs", what, i)
					}
				}
			}
		}
	})
}

func TestASpanIsEvaluatedAsItsImages(t *testing.T) {
	set := newTestSet(report("relu"), 30, 6)
	forEachGPU(t, func(t *testing.T) {
		set.use(t, func(s *Scope, u *net, all Batch) error {
			images, err := View(s, all.Images, 0, 30, 28*28)
			if err != nil {
				return err
			}
			span := Span{Samples: Samples{images, all.Labels}, First: 3, Len: 20, BatchSize: 6}
			if err := u.EvaluateSpan(&span, u.total); err != nil {
				return err
			}
			got := u.sums(t)
			order := make([]uint32, 20)
			for i := range order {
				order[i] = uint32(i + 3)
			}
			if err := u.Evaluate(Batch{Images: all.Images, Labels: all.Labels, Order: order}, u.total); err != nil {
				return err
			}
			if want := u.sums(t); got.Images != 20 || got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			for what, wrong := range map[string]Span{
				"21 images from the tenth of 30": {Samples: span.Samples, First: 10, Len: 21, BatchSize: 6},
				"no images":                      {Samples: span.Samples, BatchSize: 6},
				"batches of none":                {Samples: span.Samples, Len: 6},
				"labels of other images":         {Samples: Samples{images, Bytes(s, []uint8{1}, 1)}, Len: 1, BatchSize: 1},
			} {
				if e := new(Error); !errors.As(u.EvaluateSpan(&wrong, u.total), &e) {
					t.Errorf("%s: no error", what)
				}
			}
			return nil
		})
	})
}
