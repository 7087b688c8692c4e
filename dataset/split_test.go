package dataset

import (
	"slices"
	"testing"
)

func TestSplitSharesEveryLabelAlike(t *testing.T) {
	set := &Set{Classes: 10, Labels: make([]uint8, 1000)}
	count := [10]int{}
	for i := range set.Labels {
		set.Labels[i] = uint8(i * i % 37 % 10)
		count[set.Labels[i]]++
	}
	for _, n := range []int{1, 99, 250, 999} {
		training, validation, err := Split(set, n, 7)
		if err != nil || len(validation) != n || len(training)+n != 1000 {
			t.Fatalf("%d and %d images, error %v", len(training), len(validation), err)
		}
		all := append(slices.Clone(training), validation...)
		slices.Sort(all)
		for i, index := range all {
			if int(index) != i {
				t.Fatalf("image %d is not in one of both, once", i)
			}
		}
		part := [10]int{}
		for _, i := range validation {
			part[set.Labels[i]]++
		}
		for label, k := range part {
			if share := float64(count[label]) * float64(n) / 1000; float64(k) < share-1 || float64(k) > share+1 {
				t.Errorf("of %d images, %d have label %d, and its share is %.1f", n, k, label, share)
			}
		}
	}
}

func TestSplitFollowsFromItsSeed(t *testing.T) {
	set := &Set{Classes: 10, Labels: make([]uint8, 100)}
	part := func(seed uint64) []uint32 {
		_, validation, err := Split(set, 10, seed)
		if err != nil {
			t.Fatal(err)
		}
		return validation
	}
	if !slices.Equal(part(1), part(1)) || slices.Equal(part(1), part(2)) {
		t.Errorf("seed 1: %v, %v; seed 2: %v", part(1), part(1), part(2))
	}
	for _, n := range []int{-1, 0, 100, 101} {
		if _, _, err := Split(set, n, 1); err == nil {
			t.Errorf("%d of 100 images were split off", n)
		}
	}
}
