package torchx

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
)

// forEachGPU runs test on the GPUs, of which the emulated one is the CPU.
func forEachGPU(t *testing.T, test func(t *testing.T)) {
	forEachLevel(t, func(t *testing.T) {
		if emulated(t) || slices.Contains(gpus, level(t)) {
			test(t)
		}
	})
}

// strokeSet is a set of n random images, and of one that is bright up to its edges.
func strokeSet(rows, cols, n int) *dataset.Set {
	random := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	set := &dataset.Set{Rows: rows, Cols: cols}
	for i := range n {
		set.Images = append(set.Images, strokes(random, rows, cols)...)
		set.Labels = append(set.Labels, uint8(i))
	}
	for i := range rows * cols {
		set.Images[i] = uint8(100 + random.IntN(156))
	}
	return set
}

// augmented returns an epoch's images and labels, made on the device.
func augmented(t *testing.T, set *dataset.Set, order []uint32, a Augmentation) (images, labels []uint8) {
	t.Helper()
	n, pixels := int64(len(order)), int64(set.Rows*set.Cols)
	images, labels = make([]uint8, n*pixels), make([]uint8, n)
	err := Do(func(s *Scope) error {
		from := Samples{
			To(s, Bytes(s, set.Images, int64(set.Len()), pixels), device),
			To(s, Bytes(s, set.Labels, int64(set.Len())), device),
		}
		indices, err := NewIndices(s, device, len(order))
		if err == nil {
			err = WriteIndices(indices, order)
		}
		if err != nil {
			return err
		}
		to := Samples{To(s, Bytes(s, images, n, pixels), device), To(s, Bytes(s, labels, n), device)}
		if err := Augment(to, from, indices, set.Cols, a); err != nil {
			return err
		}
		return errors.Join(read(s, images, to.Images), read(s, labels, to.Labels))
	})
	if err != nil {
		t.Fatal(err)
	}
	return images, labels
}

// read copies a uint8 tensor.
func read(s *Scope, values []uint8, x torch.Tensor) error {
	floats := make([]float32, len(values))
	err := Read(floats, s.Own(x.CastTo(torch.Float)))
	for i, v := range floats {
		values[i] = uint8(v)
	}
	return err
}

func TestImagesAugmentedOnAGPUAreTheLoaders(t *testing.T) {
	forEachGPU(t, func(t *testing.T) {
		n := 600
		if testing.Short() {
			n = 100
		}
		images, pixels, differing := 0, 0, 0
		began := time.Now()
		for _, size := range [][2]int{{28, 28}, {20, 33}, {16, 64}} {
			set := strokeSet(size[0], size[1], n)
			for _, bounds := range []dataset.Augmentation{
				{Shift: 1}, {Shift: 1.5}, {Shift: 14}, {Rotate: 0.5}, {Rotate: 180}, {Scale: 0.01}, {Scale: 0.9},
				{Shift: 1.5, Rotate: 10, Scale: 0.1}, {Shift: 14, Rotate: 180, Scale: 0.9}, {Shift: 14, Scale: 0.9}, {Shift: 14, Rotate: 180},
			} {
				for _, seed := range []uint64{0, 7, 1<<64 - 1} {
					loader := dataset.NewShuffledLoader(set, n, seed)
					loader.Restrict(evenBelow(n)) // so that the images are not those of the first indices
					loader.Augment(bounds)
					epoch := int(seed%5) + 1
					order := slices.Clone(loader.Order(epoch))
					for b, err := range loader.Epoch(t.Context(), epoch, 0) {
						if err != nil {
							t.Fatal(err)
						}
						what := fmt.Sprintf("%dx%d, %v, seed %d, epoch %d", set.Rows, set.Cols, bounds, seed, epoch)
						a := Augmentation{Seed: seed, Epoch: epoch, Shift: bounds.Shift, Rotate: bounds.Rotate, Scale: bounds.Scale}
						got, labels := augmented(t, set, order, a)
						if !slices.Equal(labels, b.Labels) {
							t.Errorf("%s: other labels", what)
						}
						images, pixels = images+b.Len(), pixels+len(got)
						differing += differences(t, what, got, b.Images, bounds.Rotate == 0)
					}
				}
			}
		}
		t.Logf("%d of %d pixels of %d images differ, by one grey level; %v", differing, pixels, images, time.Since(began).Round(time.Millisecond))
	})
}

// evenBelow returns the even numbers below n.
func evenBelow(n int) (even []uint32) {
	for i := 0; i < n; i += 2 {
		even = append(even, uint32(i))
	}
	return even
}

// differences returns how many pixels differ: by one grey level, or, without a sine, by nothing.
func differences(t *testing.T, what string, got, want []uint8, exact bool) (n int) {
	t.Helper()
	for i := range want {
		apart := int(got[i]) - int(want[i])
		if apart != 0 && (exact || max(apart, -apart) > 1) {
			t.Fatalf("%s: pixel %d is %d and not %d", what, i, got[i], want[i])
		}
		if apart != 0 {
			n++
		}
	}
	return n
}

// A span need not fill the last block.
func TestASpanOfAnyLengthIsAugmented(t *testing.T) {
	forEachGPU(t, func(t *testing.T) {
		set, a := strokeSet(17, 18, 40), Augmentation{Seed: 1, Epoch: 2, Shift: 2, Rotate: 10}
		order := []uint32{39, 3, 3}
		for i := range uint32(30) {
			order = append(order, i)
		}
		all, _ := augmented(t, set, order, a)
		for _, n := range []int{1, 15, 16, 17, 32} {
			if part, _ := augmented(t, set, order[:n], a); !slices.Equal(part, all[:len(part)]) {
				t.Errorf("%d images are not the first of %d", n, len(order))
			}
		}
	})
}

func TestAugmentRefusesWhatDoesNotFit(t *testing.T) {
	err := Do(func(s *Scope) error {
		order, err := NewIndices(s, "cpu", 2)
		if err != nil {
			return err
		}
		bytes := func(shape ...int64) torch.Tensor { return Bytes(s, make([]uint8, product(shape)), shape...) }
		set, to := Samples{bytes(3, 12), bytes(3)}, Samples{bytes(2, 12), bytes(2)}
		for what, err := range map[string]error{
			"columns that do not divide": Augment(to, set, order, 5, Augmentation{Shift: 1}),
			"two labels for three":       Augment(to, Samples{set.Images, bytes(2)}, order, 4, Augmentation{Shift: 1}),
			"room for one image":         Augment(Samples{bytes(1, 12), to.Labels}, set, order, 4, Augmentation{Shift: 1}),
			"room for three labels":      Augment(Samples{to.Images, bytes(3)}, set, order, 4, Augmentation{Shift: 1}),
			"an order of bytes":          Augment(to, set, bytes(2), 4, Augmentation{Shift: 1}),
			"a scale of 1":               Augment(to, set, order, 4, Augmentation{Scale: 1}),
			"the CPU":                    Augment(to, set, order, 4, Augmentation{Shift: 1}), // also after the emulator was there
		} {
			if e := new(Error); !errors.As(err, &e) {
				t.Errorf("%s: %v", what, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
