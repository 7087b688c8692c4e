package train

import (
	"context"
	"errors"
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/dataset/datasettest"
	"lenet/torchx"
)

// pixels reads a uint8 tensor.
func pixels(t *testing.T, x torch.Tensor) []float32 {
	t.Helper()
	n := int64(1)
	for _, d := range x.Shape() {
		n *= d
	}
	values := make([]float32, n)
	err := torchx.Do(func(s *torchx.Scope) error { return torchx.Read(values, s.Own(x.CastTo(torch.Float))) })
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestABatchBecomesTensorsOfItsBytes(t *testing.T) {
	err := torchx.Do(func(s *torchx.Scope) error {
		b := hostBatch(s, []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}, []uint8{7, 9}, 2, 3)
		for _, x := range []struct {
			t     torch.Tensor
			shape []int64
			want  []float32
		}{
			{b.Images, []int64{2, 1, 2, 3}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}},
			{b.Labels, []int64{2}, []float32{7, 9}},
		} {
			if shape := x.t.Shape(); !slices.Equal(shape, x.shape) || x.t.Dtype() != torch.Byte {
				t.Errorf("a tensor %v of type %v, want %v of uint8", shape, x.t.Dtype(), x.shape)
			}
			if got := pixels(t, x.t); !slices.Equal(got, x.want) {
				t.Errorf("a tensor of %v, want %v", got, x.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What the device gathers from a set that is there is what the loader gathers on the host. The device is the CPU here.
func TestResidentLoaderYieldsTheLoadersBatches(t *testing.T) {
	set, _ := datasettest.MNIST(t)
	set = datasettest.First(set, 50)
	host, err := newDeviceLoader(dataset.NewShuffledLoader(set, 16, 3), "cpu", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer host.close()
	resident, err := newResidentLoader(dataset.NewShuffledLoader(set, 16, 3), "cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer resident.close()
	epoch := func(f deviceLoader, number int) (values [][]float32) {
		for b, err := range f.epoch(t.Context(), number, 0) {
			if err != nil {
				t.Fatal(err)
			}
			err := torchx.Do(func(s *torchx.Scope) error {
				images, labels := b.Gathered(s)
				if shape := images.Shape(); !slices.Equal(shape, []int64{int64(b.Len()), 1, 28, 28}) {
					t.Errorf("images %v", shape)
				}
				values = append(values, pixels(t, images), pixels(t, labels))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return values
	}
	for number := 1; number <= 2; number++ {
		got, want := epoch(resident, number), epoch(host, number)
		if len(got) != 2*4 || len(got[7]) != 2 {
			t.Fatalf("%d tensors, the last of %d labels", len(got), len(got[len(got)-1]))
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("epoch %d: tensor %d differs", number, i)
			}
		}
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	batches, last := 0, error(nil)
	for _, err := range resident.epoch(ctx, 1, 0) {
		if last = err; err == nil {
			batches++
		}
		cancel(why)
	}
	if batches != 1 || !errors.Is(last, why) {
		t.Errorf("cancelled after a batch: %d batches, then %v", batches, last)
	}
}

// A loader that cannot be made is nil, so that a session that fails closes only what it has.
func TestALoaderThatFailsIsNil(t *testing.T) {
	set, _ := datasettest.MNIST(t)
	for _, resident := range []bool{true, false} {
		l, err := newDeviceLoader(dataset.NewLoader(datasettest.First(set, 4), 2), "cuda:99", &resident)
		if err == nil || l != nil {
			t.Errorf("resident %v: loader %v, error %v", resident, l, err)
		}
	}
}
