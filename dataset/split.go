package dataset

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Split divides the images of a set into those to train on and n to validate with, as indices in ascending order. Every label has the
// same share of both, as far as whole images allow. The seed determines which ones they are.
func Split(set *Set, n int, seed uint64) (training, validation []uint32, err error) {
	if n < 1 || n >= set.Len() {
		return nil, nil, fmt.Errorf("dataset: %d images cannot be split off a set of %d", n, set.Len())
	}
	byLabel := make([][]uint32, set.Classes)
	for i, label := range set.Labels {
		byLabel[label] = append(byLabel[label], uint32(i))
	}
	random := rand.New(rand.NewPCG(seed, 0))
	before, taken := 0, 0
	for _, indices := range byLabel {
		random.Shuffle(len(indices), func(i, j int) { indices[i], indices[j] = indices[j], indices[i] })
		before += len(indices)
		quota := before*n/set.Len() - taken // so that all of them are n
		taken += quota
		validation = append(validation, indices[:quota]...)
		training = append(training, indices[quota:]...)
	}
	slices.Sort(training)
	slices.Sort(validation)
	return training, validation, nil
}
