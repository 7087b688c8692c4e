package metrics

import (
	"cmp"
	"slices"
)

// A Confusion is a pair of classes of which the one was taken for the other.
type Confusion struct {
	True, Predicted int
	Images          int
	Share           Share // of the images of True
}

// Confusions returns the n pairs of classes that were confused most often, or fewer if there are fewer. Among equally many images those that are a
// larger share of their class come first.
func (r *Result) Confusions(n int) []Confusion {
	var all []Confusion
	for i, row := range r.Confusion {
		for j, images := range row {
			if i != j && images > 0 {
				all = append(all, Confusion{i, j, images, share(images, r.Classes[i].Images)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Confusion) int {
		return cmp.Or(cmp.Compare(b.Images, a.Images), cmp.Compare(b.Share, a.Share))
	})
	return all[:min(n, len(all))]
}
