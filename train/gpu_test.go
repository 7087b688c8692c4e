//go:build gpu

package train

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lenet/compute"
	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/model"
	"lenet/torchx"
)

// With the tag gpu, these tests run on the first GPU: `make gpu-check`.

const gpu = "cuda:0"

// onGPU locks the test to its thread, and that to the GPU.
func onGPU(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	if _, err := torchx.CUDADevices(); err != nil {
		t.Fatal(err)
	}
	if err := torchx.UseCUDA(0); err != nil {
		t.Fatal(err)
	}
}

// A session is a network in training on MNIST's first images.
type session struct {
	*trainer
	net    *model.LeNet
	images deviceLoader
}

// newSession returns a session that is at its beginning. A graph is of steps that are commands of their own, and with spans they are not.
func newSession(t *testing.T, device string, kernels compute.Kernels, images int, spans, graph, resident bool) *session {
	t.Helper()
	set, _ := datasettest.MNIST(t)
	set = datasettest.First(set, images)
	net, err := model.New(model.Report(), model.Options{Kernels: kernels, Device: device, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.Close)
	o := Defaults()
	trainer, err := newTrainer(net, &o, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trainer.close)
	if want := device != compute.CPU && kernels == compute.Fused; trainer.spans != want {
		t.Fatalf("the trainer takes spans: %v", trainer.spans)
	}
	trainer.spans = trainer.spans && spans
	if graph {
		trainer.graphs = newGraphs(true, func(line string) { t.Error(line) })
	}
	loader := dataset.NewShuffledLoader(set, 256, 1)
	if spans {
		loader.Together(3)
	}
	f, err := newDeviceLoader(loader, device, &resident)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return &session{trainer, net, f}
}

// epochs trains, and returns the last epoch's sums.
func (s *session) epochs(t *testing.T, n int) torchx.Sums {
	t.Helper()
	for number := 1; number <= n; number++ {
		if err := s.total.Reset(); err != nil {
			t.Fatal(err)
		}
		var err error
		if s.trainer.spans {
			two := func() int { return 2 }
			err = each(s.images.(spanLoader).spans(t.Context(), number, 0, two), func(span torchx.Span) error { return s.trainOn(&span) })
		} else {
			err = each(s.images.epoch(t.Context(), number, 0), s.train)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.read(); err != nil {
		t.Fatal(err)
	}
	return s.sums
}

// values are the parameters, or, after a step, their gradients.
func (s *session) values(t *testing.T, gradients bool) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range s.net.Parameters() {
		n := int64(1)
		for _, d := range p.Shape {
			n *= d
		}
		all[p.Name] = make([]float32, n)
		err := torchx.Do(func(scope *torchx.Scope) error {
			if gradients {
				return torchx.Read(all[p.Name], scope.Own(p.Tensor.Grad()))
			}
			return torchx.Read(all[p.Name], p.Tensor)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// differences are each parameter's largest difference, relative to its largest value.
func differences(a, b map[string][]float32) map[string]float64 {
	all := map[string]float64{}
	for name := range a {
		apart, largest := 0.0, math.SmallestNonzeroFloat64
		for i := range a[name] {
			apart = max(apart, math.Abs(float64(a[name][i])-float64(b[name][i])))
			largest = max(largest, math.Abs(float64(b[name][i])))
		}
		all[name] = apart / largest
	}
	return all
}

// difference is the largest one of any parameter, relative to that parameter's largest value.
func difference(a, b map[string][]float32) float64 {
	return slices.Max(slices.Collect(maps.Values(differences(a, b))))
}

// tolerance bounds the relative difference of a parameter's gradients where sums have another order. Of two values that differ by rounding
// alone, the max-pool may take either, and a convolution's gradient is then that of another place of the image: up to 1.7e-3 of its largest
// value, in 3 of 24 comparisons of two orders on the CPU. The layers after the convolutions do not see which it was.
func tolerance(parameter string) float64 {
	if strings.HasPrefix(parameter, "conv") {
		return 5e-3
	}
	return 2e-5
}

func TestGPUStepIsTheCPUs(t *testing.T) {
	onGPU(t)
	want := newSession(t, "cpu", compute.Reference, 256, false, false, false)
	loss := want.epochs(t, 1).Loss
	for _, c := range []struct {
		device  string
		kernels compute.Kernels
	}{{"cpu", compute.Fused}, {gpu, compute.Reference}, {gpu, compute.Fused}} {
		s := newSession(t, c.device, c.kernels, 256, false, false, true)
		apart := math.Abs(s.epochs(t, 1).Loss-loss) / loss
		gradients := differences(s.values(t, true), want.values(t, true))
		worst := slices.Max(slices.Collect(maps.Values(gradients)))
		t.Logf("%s, %s against the CPU's reference: loss %.1e apart, gradients %.1e", c.device, c.kernels, apart, worst)
		if !(apart <= 1e-6) {
			t.Errorf("%s, %s: loss %.1e apart", c.device, c.kernels, apart)
		}
		for name, d := range gradients {
			if !(d <= tolerance(name)) {
				t.Errorf("%s, %s: the gradient of %s is %.1e apart", c.device, c.kernels, name, d)
			}
		}
	}
}

// However the steps are given to the GPU, and however the batches come, the weights and the sums are the same to the bit; also in a last batch
// of another size, but for the steps one by one, where such a batch takes another kernel. With libtorch's own kernels, which do not repeat themselves to
// the bit on a GPU, they are nearly so.
func TestGPUCommandsAndLoadersChangeNothing(t *testing.T) {
	onGPU(t)
	for _, kernels := range []compute.Kernels{compute.Fused, compute.Reference} {
		const images = 256*5 + 96
		for _, spans := range []bool{false, true} {
			if spans && kernels == compute.Reference {
				continue
			}
			want := newSession(t, gpu, kernels, images, spans, false, true)
			sums := want.epochs(t, 6)
			for _, graph := range []bool{false, true} {
				for _, resident := range []bool{false, true} {
					if graph && spans {
						continue
					}
					s := newSession(t, gpu, kernels, images, spans, graph, resident)
					got := s.epochs(t, 6)
					apart := difference(s.values(t, false), want.values(t, false))
					what := fmt.Sprintf("%s, spans %v, graph %v, data on the device %v", kernels, spans, graph, resident)
					t.Logf("%s: weights %.1e apart", what, apart)
					if kernels == compute.Fused && (got != sums || apart != 0) || !(apart <= 1e-4) {
						t.Errorf("%s: weights %.1e apart, sums %+v and %+v", what, apart, got, sums)
					}
					if graph && len(s.graphs.captured) != 2 {
						t.Errorf("%s: %d graphs", what, len(s.graphs.captured))
					}
				}
			}
		}
	}
}

func TestGPUFollowsTheLearningRate(t *testing.T) {
	onGPU(t)
	followsTheLearningRate(t, newSession(t, gpu, compute.Fused, 512, true, false, true))
	followsTheLearningRate(t, newSession(t, gpu, compute.Reference, 512, false, true, true))
}

func followsTheLearningRate(t *testing.T, s *session) {
	t.Helper()
	s.epochs(t, 3)
	before := s.values(t, false)
	s.rate = func(int) float64 { return 0 }
	s.epochs(t, 1)
	if after := s.values(t, false); difference(after, before) != 0 {
		t.Error("with a learning rate of 0 a step changes the weights")
	}
	s.rate = func(int) float64 { return 1 }
	s.epochs(t, 1)
	if after := s.values(t, false); difference(after, before) == 0 {
		t.Error("with a learning rate of 1 a step does not change the weights")
	}
}

func TestGPUBatchesAreTheLoaders(t *testing.T) {
	onGPU(t)
	set, _ := datasettest.MNIST(t)
	set = datasettest.First(set, 3000)
	for _, resident := range []bool{true, false} {
		f, err := newDeviceLoader(dataset.NewShuffledLoader(set, 256, 7), gpu, &resident)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		for number := 1; number <= 3; number++ {
			order := dataset.NewShuffledLoader(set, 256, 7).Order(number)
			for b, err := range f.epoch(t.Context(), number, 0) {
				if err != nil {
					t.Fatal(err)
				}
				gotImages, gotLabels := pixels(t, b.Images), pixels(t, b.Labels)
				var wantImages, wantLabels []float32
				for _, i := range order[:b.Len()] {
					for _, v := range set.Images[int(i)*28*28:][:28*28] {
						wantImages = append(wantImages, float32(v))
					}
					wantLabels = append(wantLabels, float32(set.Labels[i]))
				}
				order = order[b.Len():]
				if !slices.Equal(gotImages, wantImages) || !slices.Equal(gotLabels, wantLabels) {
					t.Fatalf("data on the device %v, epoch %d: other images than the loader's", resident, number)
				}
			}
		}
	}
}
