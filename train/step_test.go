package train

import (
	"slices"
	"testing"

	torch "github.com/wangkuiyi/gotorch"

	"lenet/dataset"
	"lenet/torchx"
)

func TestTensorsAreNCHWPixelsOf0To1AndInt64Labels(t *testing.T) {
	batch := &dataset.Batch{Rows: 2, Cols: 3, Images: []uint8{0, 51, 102, 153, 204, 255, 255, 0, 0, 0, 0, 0}, Labels: []uint8{7, 9}}
	err := torchx.Do(func(s *torchx.Scope) error {
		images, labels := tensors(s, batch)
		if shape := images.Shape(); !slices.Equal(shape, []int64{2, 1, 2, 3}) {
			t.Errorf("images are %v", shape)
		}
		got := make([]float32, 12)
		if err := torchx.Read(got, images); err != nil {
			return err
		}
		if want := []float32{0, 0.2, 0.4, 0.6, 0.8, 1, 1, 0, 0, 0, 0, 0}; !slices.Equal(got, want) {
			t.Errorf("pixels %v, want %v", got, want)
		}
		if labels.Dtype() != torch.Long || labels.Index(0).Item().(int64) != 7 || labels.Index(1).Item().(int64) != 9 {
			t.Errorf("labels %v of type %d", labels, labels.Dtype())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCorrectCountsRowsWhoseLargestLogitIsAtTheLabel(t *testing.T) {
	err := torchx.Do(func(s *torchx.Scope) error {
		logits := s.Own(torch.Full([]int64{3, 10}, 0, false))
		values := make([]float32, 30)
		values[4], values[10+9], values[20+1], values[20+2] = 1, 1, 1, 2 // the rows' largest: 4, 9, 2
		if err := torchx.Write(logits, values); err != nil {
			return err
		}
		labels := s.Own(torchx.Bytes(s, []uint8{4, 9, 1}, 3).CastTo(torch.Long))
		if n := correct(s, logits, labels); n != 2 {
			t.Errorf("%d are right, want 2", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The mean over images, not over batches: the last batch counts for what it has.
func TestSumWeighsABatchByItsImages(t *testing.T) {
	var s sum
	s.add(3, 1.0, 3)
	s.add(1, 5.0, 0)
	if loss, accuracy := s.mean(); loss != 2 || accuracy != 0.75 {
		t.Errorf("mean loss %v and accuracy %v, want 2 and 0.75", loss, accuracy)
	}
}
