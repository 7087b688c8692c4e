package dataset_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"lenet/dataset"
)

// epoch returns the first pixel of every image in the order of an epoch, and the batches' sizes. It checks that every image has
// its label.
func epoch(t *testing.T, l *dataset.Loader, number int) (order []uint8, sizes []int) {
	t.Helper()
	for b, err := range l.Epoch(t.Context(), number, 0) {
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
		for range l.Epoch(t.Context(), 0, 0) {
			break
		}
	}
	if order, _ := epoch(t, l, 0); !slices.Equal(order, ascending(200)) {
		t.Errorf("after early ends, an epoch is %v", order)
	}
}

func TestIndicesAreTheBatches(t *testing.T) {
	set := ramp(101)
	gathered, direct := dataset.NewShuffledLoader(set, 10, 5), dataset.NewShuffledLoader(set, 10, 5)
	restricted := dataset.NewShuffledLoader(set, 10, 5)
	var upper []uint32
	for i := range uint32(51) {
		upper = append(upper, 50+i)
	}
	restricted.Restrict(upper)
	for number := range 3 {
		want, _ := epoch(t, gathered, number)
		var got []uint32
		sizes := 0
		for indices, err := range direct.Indices(t.Context(), number, 0) {
			if err != nil || len(indices) != min(10, 101-len(got)) {
				t.Errorf("%d indices, error %v", len(indices), err)
			}
			got, sizes = append(got, indices...), sizes+1
		}
		same := len(got) == len(want)
		for i := range got {
			same = same && got[i] == uint32(want[i])
		}
		if !same || sizes != 11 {
			t.Errorf("epoch %d: %d batches %v, want %v", number, sizes, got, want)
		}
		got = nil
		for indices := range restricted.Indices(t.Context(), number, 0) {
			got = append(got, indices...)
		}
		if slices.Sort(got); !slices.Equal(got, upper) {
			t.Errorf("restricted to 50 and after: %v", got)
		}
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why, batches, last := errors.New("enough"), 0, error(nil)
	for _, err := range direct.Indices(ctx, 0, 0) {
		if last = err; err == nil {
			batches++
		}
		cancel(why)
	}
	if batches != 1 || !errors.Is(last, why) {
		t.Errorf("%d batches, then %v", batches, last)
	}
}

func TestLoaderEndsWithItsContext(t *testing.T) {
	l := dataset.NewLoader(ramp(200), 3)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	batches, last := 0, error(nil)
	for _, err := range l.Epoch(ctx, 0, 0) {
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

// A slowDevice reads a buffer some time after it was sent, as a GPU's copy does: when its batches are three ahead, or when somebody waits.
type slowDevice struct {
	memory  [][]uint8
	mutex   sync.Mutex
	pending []int // buffers sent and not read yet
	read    [][]uint8
	fail    error
}

func (d *slowDevice) Len() int             { return len(d.memory) }
func (d *slowDevice) Buffer(i int) []uint8 { return d.memory[i] }

func (d *slowDevice) send(i int) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.pending = append(d.pending, i); len(d.pending) > 3 {
		d.readFirst()
	}
}

func (d *slowDevice) readFirst() {
	d.read = append(d.read, slices.Clone(d.memory[d.pending[0]]))
	d.pending = d.pending[1:]
}

func (d *slowDevice) Wait(i int) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for slices.Contains(d.pending, i) {
		d.readFirst()
	}
	if len(d.read) > 6 {
		return d.fail
	}
	return nil
}

func TestLoaderFillsNoBufferThatIsStillReadFrom(t *testing.T) {
	for _, buffers := range []int{1, 2, 5} {
		l := dataset.NewShuffledLoader(ramp(101), 10, 1)
		device := &slowDevice{memory: make([][]uint8, buffers)}
		for i := range device.memory {
			device.memory[i] = make([]uint8, l.BufferSize())
		}
		l.GatherInto(device)
		var want [][]uint8
		for number := range 3 {
			for b, err := range l.Epoch(t.Context(), number, 0) {
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, slices.Clone(device.memory[b.Buffer]))
				if n := b.Len(); !slices.Equal(b.Images, want[len(want)-1][:len(b.Images)]) || b.Labels[n-1] != want[len(want)-1][l.BufferSize()-10+n-1] {
					t.Fatal("a batch is not in its buffer")
				}
				device.send(b.Buffer)
			}
		}
		for len(device.pending) > 0 {
			device.readFirst()
		}
		if len(want) != 33 || !slices.EqualFunc(device.read, want, slices.Equal[[]uint8]) {
			t.Errorf("%d buffers: the device read other batches than were sent", buffers)
		}
	}
}

func TestLoaderReportsAFailedWait(t *testing.T) {
	l := dataset.NewLoader(ramp(200), 10)
	device := &slowDevice{memory: [][]uint8{make([]uint8, l.BufferSize()), make([]uint8, l.BufferSize())}, fail: errors.New("the device is gone")}
	l.GatherInto(device)
	batches, last := 0, error(nil)
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		if last = err; err == nil {
			batches++
			device.send(b.Buffer)
		}
	}
	if !errors.Is(last, device.fail) || batches < 7 || batches > 9 {
		t.Errorf("%d batches, then %v", batches, last)
	}
}

func TestLoaderAllocatesNothingPerBatch(t *testing.T) {
	allocations := func(batchSize int) uint64 {
		l := dataset.NewShuffledLoader(ramp(250), batchSize, 1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			for range l.Epoch(t.Context(), 1, 0) {
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
