package predict_test

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkProbabilities has what an image takes, alone and in batches, without its preparation.
func BenchmarkProbabilities(b *testing.B) {
	net := network(b)
	for _, n := range []int{1, 16, 64} {
		images := make([]uint8, n*net.Rows*net.Cols)
		b.Run(fmt.Sprint("batch=", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := net.Probabilities(context.Background(), images); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/image")
		})
	}
}
