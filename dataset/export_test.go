package dataset

import (
	"testing"
	"time"
)

// ShortenSilence sets, for a test, how long a server may send nothing.
func ShortenSilence(t *testing.T, d time.Duration) {
	before := silence
	silence = d
	t.Cleanup(func() { silence = before })
}
