package torchx

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/torchx/reference"
)

// A testSet is a network's architecture and parameters, images and their labels.
type testSet struct {
	reference.LeNet
	images []uint8
	labels []uint8
}

// report is the lab report's architecture.
func report(activation string) reference.LeNet {
	return reference.LeNet{Rows: 28, Cols: 28, Channels: [2]int{6, 16}, Hidden: [2]int{120, 84}, Classes: 10, Activation: activation}
}

// newTestSet draws parameters, as large as their number of inputs suggests, and n images of random strokes, for which every decision is clear.
func newTestSet(net reference.LeNet, n int, seed uint64) *testSet {
	random := rand.New(rand.NewPCG(seed, 2))
	set := &testSet{LeNet: net}
	for i, size := range net.Sizes() {
		scale := 0.1 // of a bias
		if i%2 == 0 {
			scale = math.Sqrt(3 / (float64(size) / float64(net.Sizes()[i+1])))
		}
		for range size {
			set.Params[i] = append(set.Params[i], float64(float32(scale*(2*random.Float64()-1))))
		}
	}
	for len(set.labels) < n {
		image, label := strokes(random, net.Rows, net.Cols), random.IntN(net.Classes)
		gradients := net.Zeros()
		if set.Run(image, label, 0, &gradients).Clear > 1e-5 {
			set.images, set.labels = append(set.images, image...), append(set.labels, uint8(label))
		}
	}
	return set
}

// strokes returns an image of a few bright rectangles with soft edges, black around.
func strokes(random *rand.Rand, rows, cols int) []uint8 {
	image := make([]uint8, rows*cols)
	for range 4 {
		top, left, height, width := random.IntN(rows), random.IntN(cols), 1+random.IntN(10), 1+random.IntN(6)
		for r := top; r < min(top+height, rows); r++ {
			for c := left; c < min(left+width, cols); c++ {
				image[r*cols+c] = uint8(64 + random.IntN(192))
			}
		}
	}
	return image
}

func (n *testSet) shape(i int) []int64 {
	sizes := n.Sizes()
	out := int64(len(n.Params[i|1]))
	switch in := int64(sizes[i]) / out; {
	case i%2 == 1:
		return []int64{out}
	case i < 4:
		return []int64{out, in / 25, 5, 5}
	default:
		return []int64{out, in}
	}
}

// A net is a Network in use: its parameters and its accumulator.
type net struct {
	*Network
	params []torch.Tensor
	total  *Accumulator
}

// use calls f with the network and its set on the tests' device.
func (n *testSet) use(t *testing.T, f func(s *Scope, net *net, all Batch) error) {
	t.Helper()
	err := Do(func(s *Scope) error {
		u := &net{}
		for i, values := range n.Params {
			p := s.Own(torch.Full(n.shape(i), 0, true))
			if err := errors.Join(Write(p, float32s(values)), Move(p, device)); err != nil {
				return err
			}
			u.params = append(u.params, p)
		}
		activation := registry[0]
		if n.Activation != "none" {
			activation = named(n.Activation)
		}
		var err error
		if u.Network, err = NewNetwork(n.Rows, n.Cols, activation, u.params); err != nil {
			return err
		}
		defer u.Close()
		if u.total, err = NewAccumulator(device); err != nil {
			return err
		}
		defer u.total.Close()
		images := To(s, Bytes(s, n.images, int64(len(n.labels)), 1, int64(n.Rows), int64(n.Cols)), device)
		return f(s, u, Batch{Images: images, Labels: To(s, Bytes(s, n.labels, int64(len(n.labels))), device)})
	})
	if err != nil {
		t.Fatal(err)
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

func float32s(values []float64) []float32 {
	f := make([]float32, len(values))
	for i, v := range values {
		f[i] = float32(v)
	}
	return f
}

// gradients returns the parameters' gradients.
func (u *net) gradients(t *testing.T) (all [][]float32) {
	t.Helper()
	var s Scope
	defer s.Close()
	for _, p := range u.params {
		values := make([]float32, product(p.Shape()))
		if err := Read(values, s.Own(p.Grad())); err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	return all
}

// sums returns what the accumulator has, and resets it.
func (u *net) sums(t *testing.T) Sums {
	t.Helper()
	sums, err := u.total.Read()
	if err := errors.Join(err, u.total.Reset()); err != nil {
		t.Fatal(err)
	}
	return sums
}
