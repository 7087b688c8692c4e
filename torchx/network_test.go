package torchx

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/torchx/reference"
)

// check compares a step on each of these batch sizes, in ascending order, with the reference: the first images, in a random order among the
// set's. Every difference is below 1e-5 of the largest value.
func (n *testSet) check(t *testing.T, smoothing float64, sizes ...int) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 8))
	order := make([]uint32, len(n.labels))
	for i, j := range random.Perm(len(order)) {
		order[i] = uint32(j)
	}
	pixels := n.Rows * n.Cols
	n.use(t, func(s *Scope, u *net, all Batch) error {
		want, loss, right, done := n.Zeros(), 0.0, 0, 0
		for _, size := range sizes {
			for ; done < size; done++ {
				image := order[done]
				r := n.Run(n.images[int(image)*pixels:][:pixels], int(n.labels[image]), smoothing, &want)
				loss += r.Loss
				if r.Logits[n.labels[image]] == slices.Max(r.Logits) {
					right++
				}
			}
			batch := Batch{Images: all.Images, Labels: all.Labels, Order: order[:size]}
			if err := u.Differentiate(batch, smoothing, u.total); err != nil {
				return err
			}
			what := fmt.Sprintf("%dx%d %v %v %d classes, %s, smoothing %v, %d images", n.Rows, n.Cols, n.Channels, n.Hidden, n.Classes, n.Activation, smoothing, size)
			sums := u.sums(t)
			if sums.Images != size || math.Abs(sums.Loss-loss/float64(size)) > 1e-5*sums.Loss || math.Abs(sums.Accuracy-float64(right)/float64(size)) > 1e-9 {
				t.Errorf("%s: %+v, want loss %v and %d right", what, sums, loss/float64(size), right)
			}
			for i, got := range u.gradients(t) {
				mean := make([]float32, len(want[i]))
				for j, v := range want[i] {
					mean[j] = float32(v / float64(size))
				}
				if d := largestDifference(got, mean); !(d <= 1e-5) {
					t.Errorf("%s: the gradient of parameter %d differs by %.2g of the largest", what, i, d)
				}
			}
		}
		return nil
	})
}

func TestAStepIsTheReferences(t *testing.T) {
	sets := map[string]*testSet{}
	for _, f := range registry {
		if f.Fused() {
			sets[f.Name] = newTestSet(report(f.Name), 257, 1)
		}
	}
	forEachLevel(t, func(t *testing.T) {
		for name, set := range sets {
			if emulated(t) {
				set.check(t, 0.1, 1, 33) // the emulator is slow
			} else if name == "sigmoid" {
				set.check(t, 0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 100, 255, 256, 257)
			} else {
				set.check(t, 0.1, 1, 33, 257)
			}
		}
		sets["sigmoid"].check(t, 0.1, 47)
	})
}

// Other sizes of images and of layers, one class more than a vector has lanes, most classes that a byte can name, and single channels.
func TestAStepOfAnyArchitectureIsTheReferences(t *testing.T) {
	var sets []*testSet
	for i, net := range []reference.LeNet{
		{Rows: 16, Cols: 16, Channels: [2]int{6, 16}, Hidden: [2]int{120, 84}, Classes: 10},
		{Rows: 17, Cols: 35, Channels: [2]int{3, 5}, Hidden: [2]int{17, 11}, Classes: 26},
		{Rows: 28, Cols: 28, Channels: [2]int{6, 16}, Hidden: [2]int{30, 25}, Classes: 47},
		{Rows: 28, Cols: 28, Channels: [2]int{6, 20}, Hidden: [2]int{120, 84}, Classes: 9},
		{Rows: 28, Cols: 28, Channels: [2]int{5, 16}, Hidden: [2]int{120, 84}, Classes: 17},
		{Rows: 32, Cols: 32, Channels: [2]int{6, 16}, Hidden: [2]int{120, 84}, Classes: 256},
		{Rows: 20, Cols: 23, Channels: [2]int{1, 1}, Hidden: [2]int{1, 1}, Classes: 2},
		{Rows: 22, Cols: 18, Channels: [2]int{9, 33}, Hidden: [2]int{50, 260}, Classes: 3},
	} {
		net.Activation = []string{"sigmoid", "tanh", "relu", "none"}[i%4]
		sets = append(sets, newTestSet(net, 40, uint64(i+10)))
	}
	forEachLevel(t, func(t *testing.T) {
		for i, set := range sets {
			sizes := []int{1, 18, 40}
			if testing.Short() && emulated(t) {
				sizes = sizes[:2] // the emulator is slow
			}
			set.check(t, float64(i%2)/20, sizes...)
		}
	})
}

// Pixels are 0 or 1, weights of the convolutions eighths, and there is no activation: every sum is exact in float32, in whatever order. So equals are
// equals, of which the first counts.
func TestTheFirstOfEqualsIsTheMaximum(t *testing.T) {
	for i, net := range []reference.LeNet{report("none"), {Rows: 21, Cols: 18, Channels: [2]int{3, 9}, Hidden: [2]int{7, 9}, Classes: 10, Activation: "none"}} {
		set := newTestSet(net, 40, 3)
		random := rand.New(rand.NewPCG(uint64(i), 4))
		for j := range set.images {
			set.images[j] = uint8(random.IntN(2) * 255)
		}
		for _, params := range set.Params[:4] {
			for j := range params {
				params[j] = float64(random.IntN(17)-8) / 8
			}
		}
		forEachLevel(t, func(t *testing.T) { set.check(t, 0, 40) })
	}
}

// Far from 0, where exp overflows or a value rounds to its limit.
func TestActivationsAreRightEverywhere(t *testing.T) {
	for _, name := range []string{"sigmoid", "tanh", "relu"} {
		for _, bias := range []float64{-200, -100, -88, -87, -20, -5, -1, -1e-3, 0, 1e-3, 0.5, 1, 5, 17, 88, 100, 200} {
			tiny := reference.LeNet{Rows: 16, Cols: 16, Channels: [2]int{1, 1}, Hidden: [2]int{1, 1}, Classes: 2, Activation: name}
			set := &testSet{LeNet: tiny, images: make([]uint8, 256), labels: []uint8{1}}
			set.Params = set.Zeros()
			set.Params[1][0], set.Params[2][12], set.Params[4][0], set.Params[6][0], set.Params[8][0] = bias, 1, 1, 1, 1
			gradients := set.Zeros()
			want := set.Run(set.images, 1, 0, &gradients).Logits[0]
			forEachLevel(t, func(t *testing.T) {
				set.use(t, func(s *Scope, u *net, all Batch) error {
					got := make([]float32, 2)
					if err := Read(got, u.Logits(s, all.Images)); err != nil {
						return err
					}
					if math.Abs(float64(got[0])-want) > 1e-7+3e-7*math.Abs(want) {
						t.Errorf("%s of %s of %s of %s of %v is %v, want %v", name, name, name, name, bias, got[0], want)
					}
					return nil
				})
			})
		}
	}
}

func TestLossesOfLargeLogitsAreTheReferences(t *testing.T) {
	set := newTestSet(report("sigmoid"), 20, 5)
	for i := range set.Params[8] {
		set.Params[8][i] *= 1000 // exp of a logit is beyond float32
	}
	forEachLevel(t, func(t *testing.T) { set.check(t, 0, 20); set.check(t, 0.2, 20) })
}

// The order of every sum is fixed.
func TestTheBitsDoNotDependOnTheNumberOfThreads(t *testing.T) {
	runtime.LockOSThread() // the number of threads is the calling thread's
	defer runtime.UnlockOSThread()
	repeats := 5
	if testing.Short() {
		repeats = 1
	}
	before := NumThreads()
	defer func() { _ = SetNumThreads(before) }()
	for _, set := range []*testSet{newTestSet(report("sigmoid"), 300, 6), newTestSet(reference.LeNet{Rows: 20, Cols: 30, Channels: [2]int{3, 5}, Hidden: [2]int{17, 11}, Classes: 26, Activation: "relu"}, 100, 7)} {
		forEachLevel(t, func(t *testing.T) {
			var want [][]float32
			var sums Sums
			if emulated(t) {
				return // the emulator has one thread
			}
			for _, threads := range []int{1, 2, 3, 8} {
				if err := SetNumThreads(threads); err != nil {
					t.Fatal(err)
				}
				set.use(t, func(_ *Scope, u *net, all Batch) error {
					for range repeats {
						if err := u.Differentiate(all, 0.05, u.total); err != nil {
							return err
						}
						got, s := u.gradients(t), u.sums(t)
						if want == nil {
							want, sums = got, s
						}
						if s != sums {
							t.Errorf("%d threads: %+v, and %+v with one", threads, s, sums)
						}
						for i := range want {
							if !slices.Equal(got[i], want[i]) {
								t.Errorf("%d threads: the gradient of parameter %d is not that of one thread", threads, i)
							}
						}
					}
					return nil
				})
			}
		})
	}
}

// level returns the name of the level that a test of forEachLevel runs.
func level(t *testing.T) string { return t.Name()[strings.LastIndexByte(t.Name(), '/')+1:] }

func TestEvaluateAndLogitsAreTheForwardHalf(t *testing.T) {
	set := newTestSet(report("relu"), 50, 8)
	forEachLevel(t, func(t *testing.T) {
		set.use(t, func(s *Scope, u *net, all Batch) error {
			if err := errors.Join(u.Evaluate(all, u.total), u.Evaluate(all, u.total)); err != nil {
				return err
			}
			evaluated := u.sums(t)
			if err := u.Differentiate(all, 0, u.total); err != nil {
				return err
			}
			if d := u.sums(t); evaluated.Images != 100 || evaluated.Accuracy != d.Accuracy || math.Abs(evaluated.Loss-d.Loss) > 1e-12 {
				t.Errorf("evaluated %+v, differentiated %+v", evaluated, d)
			}
			got := make([]float32, 500)
			if err := Read(got, u.Logits(s, all.Images)); err != nil {
				return err
			}
			var want []float32
			gradients := set.Zeros()
			for i := range set.labels {
				want = append(want, float32s(set.Run(set.images[i*784:][:784], 0, 0, &gradients).Logits)...)
			}
			if d := largestDifference(got, want); !(d <= 1e-5) {
				t.Errorf("logits differ by %.2g of the largest", d)
			}
			return nil
		})
	})
}

// A weight that is not a finite number shows in the loss, wherever it is, and leaves the gradients as they were.
func TestALossThatIsNotFiniteChangesNoGradient(t *testing.T) {
	set := newTestSet(report("sigmoid"), 20, 9)
	forEachLevel(t, func(t *testing.T) {
		for param := range set.Params {
			for _, value := range []float64{math.NaN(), math.Inf(1)} {
				set.use(t, func(_ *Scope, u *net, all Batch) error {
					if err := u.Differentiate(all, 0, u.total); err != nil {
						return err
					}
					before := u.gradients(t)
					u.sums(t)
					values := float32s(set.Params[param])
					values[len(values)/2] = float32(value)
					if err := errors.Join(Write(u.params[param], values), u.Differentiate(all, 0, u.total)); err != nil {
						return err
					}
					loss := u.sums(t).Loss
					saturated := math.IsInf(value, 1) && param < 8 // a sigmoid is 1
					if finite := !math.IsNaN(loss) && !math.IsInf(loss, 0); finite && !saturated {
						t.Errorf("parameter %d has %v, and the loss is %v", param, value, loss)
					} else if !finite && device == "cpu" && !emulated(t) {
						for i, got := range u.gradients(t) {
							if !slices.Equal(got, before[i]) {
								t.Errorf("parameter %d has %v: the gradient of parameter %d changed", param, value, i)
							}
						}
					}
					return nil
				})
			}
		}
	})
}

// Not even in the rows that fill up a block.
func TestABatchWithNaNLeavesNothingBehind(t *testing.T) {
	set := newTestSet(report("sigmoid"), 33, 12)
	forEachLevel(t, func(t *testing.T) {
		set.use(t, func(_ *Scope, u *net, all Batch) error {
			first := Batch{Images: all.Images, Labels: all.Labels, Order: []uint32{0}}
			if err := u.Differentiate(first, 0, u.total); err != nil {
				return err
			}
			want, bias := u.gradients(t), float32s(set.Params[3])
			err := errors.Join(Write(u.params[3], slices.Repeat([]float32{float32(math.NaN())}, len(bias))), u.Differentiate(all, 0, u.total),
				Write(u.params[3], bias), u.Differentiate(first, 0, u.total))
			if err != nil {
				return err
			}
			for i, got := range u.gradients(t) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("after a batch with NaN the gradient of parameter %d differs", i)
				}
			}
			return nil
		})
	})
}

func TestANetworkRefusesWhatDoesNotFit(t *testing.T) {
	set := newTestSet(report("sigmoid"), 3, 10)
	set.use(t, func(s *Scope, u *net, all Batch) error {
		wrong := func(what string, f func() error) {
			err := Do(func(*Scope) error { return f() })
			if e := new(Error); !errors.As(err, &e) {
				t.Errorf("%s: %v", what, err)
			}
		}
		small := Bytes(s, make([]uint8, 3*27*28), 3, 1, 27, 28)
		wrong("images of 27x28", func() error { u.Logits(s, small); return nil })
		wrong("images of 27x28 to train on", func() error { return u.Differentiate(Batch{Images: small, Labels: all.Labels}, 0, u.total) })
		wrong("two labels for three images", func() error {
			return u.Evaluate(Batch{Images: all.Images, Labels: Bytes(s, []uint8{1, 2}, 2)}, u.total)
		})
		wrong("a label of 10 among 10", func() error {
			return u.Evaluate(Batch{Images: all.Images, Labels: Bytes(s, []uint8{1, 10, 2}, 3)}, u.total)
		})
		wrong("image 3 of 3", func() error {
			return u.Evaluate(Batch{Images: all.Images, Labels: all.Labels, Order: []uint32{0, 3}}, u.total)
		})
		wrong("9 parameters", func() error { _, err := NewNetwork(28, 28, named("relu"), u.params[:9]); return err })
		wrong("images too large for the parameters", func() error { _, err := NewNetwork(32, 28, named("relu"), u.params); return err })
		wrong("images too small", func() error { _, err := NewNetwork(8, 8, named("relu"), u.params); return err })
		if _, err := NewNetwork(28, 28, named("gelu"), u.params); !errors.Is(err, ErrNoKernels) {
			t.Errorf("gelu: %v", err)
		}
		large := append(slices.Clone(u.params[:8]), s.Own(torch.Full([]int64{257, 84}, 0, true)), s.Own(torch.Full([]int64{257}, 0, true)))
		if _, err := NewNetwork(28, 28, named("relu"), large); device == "cpu" && !errors.Is(err, ErrNoKernels) {
			t.Errorf("257 classes: %v", err)
		}
		return nil
	})
	if err := UseKernels("MMX"); err == nil {
		t.Error("there are kernels for MMX")
	}
}

// One batch after another, of any size, in the same memory.
func TestMemoryServesBatchesOfAnySize(t *testing.T) {
	set := newTestSet(report("tanh"), 64, 11)
	forEachLevel(t, func(t *testing.T) {
		gradients := func(sizes ...int) (last [][]float32) {
			set.use(t, func(_ *Scope, u *net, all Batch) error {
				order := make([]uint32, len(set.labels))
				for i := range order {
					order[i] = uint32(i)
				}
				for _, n := range sizes {
					if err := u.Differentiate(Batch{Images: all.Images, Labels: all.Labels, Order: order[:n]}, 0, u.total); err != nil {
						return err
					}
				}
				last = u.gradients(t)
				return nil
			})
			return last
		}
		want := gradients(21)
		for i, got := range gradients(5, 64, 21, 64, 1, 21) {
			if !slices.Equal(got, want[i]) {
				t.Errorf("after other batches the gradient of parameter %d differs", i)
			}
		}
	})
}
