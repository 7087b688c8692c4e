package train

import (
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/torchx"
)

func TestABatchBecomesTensorsOfItsBytes(t *testing.T) {
	b := &dataset.Batch{Images: []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}, Labels: []uint8{7, 9}, Rows: 2, Cols: 3}
	err := torchx.Do(func(s *torchx.Scope) error {
		images, labels := tensors(s, "cpu", b)
		for _, x := range []struct {
			t     torch.Tensor
			shape []int64
			want  []float32
		}{
			{images, []int64{2, 1, 2, 3}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}},
			{labels, []int64{2}, []float32{7, 9}},
		} {
			if shape := x.t.Shape(); !slices.Equal(shape, x.shape) || x.t.Dtype() != torch.Byte {
				t.Errorf("a tensor %v of type %v, want %v of uint8", shape, x.t.Dtype(), x.shape)
			}
			got := make([]float32, len(x.want))
			if err := torchx.Read(got, s.Own(x.t.CastTo(torch.Float))); err != nil {
				return err
			}
			if !slices.Equal(got, x.want) {
				t.Errorf("a tensor of %v, want %v", got, x.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
