package dataset_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"lenet/dataset"
)

// epoch returns the first pixel of every image in the order of an epoch, and the batches' sizes. It checks that every image has
// its label.
func epoch(t *testing.T, l *dataset.Loader, number int) (order []uint8, sizes []int) {
	t.Helper()
	for b, err := range l.Epoch(t.Context(), number) {
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, b.Len())
		for i := range b.Len() {
			first := b.Images[i*b.Rows*b.Cols]
			if last := b.Images[(i+1)*b.Rows*b.Cols-1]; last != first || b.Labels[i] != first%10 {
				t.Fatalf("image %d to %d has label %d", first, last, b.Labels[i])
			}
			order = append(order, first)
		}
	}
	return order, sizes
}

func ascending(n int) []uint8 {
	s := make([]uint8, n)
	for i := range s {
		s[i] = uint8(i)
	}
	return s
}

func TestLoaderYieldsEveryImageOnceAndAPartialLastBatch(t *testing.T) {
	order, sizes := epoch(t, dataset.NewLoader(ramp(10), 4), 0)
	if !slices.Equal(order, ascending(10)) || !slices.Equal(sizes, []int{4, 4, 2}) {
		t.Errorf("order %v in batches of %v", order, sizes)
	}
	l := dataset.NewShuffledLoader(ramp(100), 7, 1)
	order, sizes = epoch(t, l, 1)
	if l.Batches() != 15 || len(sizes) != 15 || sizes[14] != 2 {
		t.Errorf("%d batches of %v", l.Batches(), sizes)
	}
	slices.Sort(order)
	if !slices.Equal(order, ascending(100)) {
		t.Errorf("images %v", order)
	}
	if _, sizes := epoch(t, dataset.NewLoader(ramp(10), 1000), 0); !slices.Equal(sizes, []int{10}) {
		t.Errorf("a batch larger than the set: %v", sizes)
	}
}

// The expected orders come from a program in another language, written from the definitions: Fisher-Yates from the end, with
// the high half of the product of the bound and the output of PCG-DXSM 128/64.
func TestLoaderOrderFollowsFromSeedAndEpochOnEveryMachine(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		epoch int
		want  []uint8
	}{
		{1, 1, []uint8{2, 5, 8, 3, 4, 1, 7, 6, 0, 9}},
		{1, 2, []uint8{2, 4, 3, 9, 0, 1, 8, 6, 5, 7}},
		{2, 1, []uint8{4, 5, 7, 1, 6, 8, 2, 3, 9, 0}},
	} {
		got, _ := epoch(t, dataset.NewShuffledLoader(ramp(10), 3, c.seed), c.epoch)
		if !slices.Equal(got, c.want) {
			t.Errorf("seed %d, epoch %d: %v, want %v", c.seed, c.epoch, got, c.want)
		}
	}
}

func TestLoaderCanBeLeftEarlyAndUsedAgain(t *testing.T) {
	l := dataset.NewLoader(ramp(200), 3)
	for range 20 {
		for range l.Epoch(t.Context(), 0) {
			break
		}
	}
	if order, _ := epoch(t, l, 0); !slices.Equal(order, ascending(200)) {
		t.Errorf("after early ends, an epoch is %v", order)
	}
}

func TestLoaderEndsWithItsContext(t *testing.T) {
	l := dataset.NewLoader(ramp(200), 3)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	batches, last := 0, error(nil)
	for _, err := range l.Epoch(ctx, 0) {
		if last = err; err == nil {
			batches++
		}
		if batches == 2 {
			cancel(why)
		}
	}
	if batches != 2 || !errors.Is(last, why) {
		t.Errorf("%d batches, then %v", batches, last)
	}
	if order, _ := epoch(t, l, 0); !slices.Equal(order, ascending(200)) {
		t.Errorf("after a cancelled epoch, an epoch is %v", order)
	}
}

func TestLoaderAllocatesNothingPerBatch(t *testing.T) {
	allocations := func(batchSize int) uint64 {
		l := dataset.NewShuffledLoader(ramp(250), batchSize, 1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			for range l.Epoch(t.Context(), 1) {
			}
		}
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	allocations(1)
	few, many := allocations(250), allocations(1) // 20 and 5000 batches
	if many > few+500 {
		t.Errorf("20 batches allocate %d times, 5000 batches %d times", few, many)
	}
}
