package train

import "time"

// The parts of an epoch, in their order.
const (
	load       = iota // waiting for the loader's next batch
	forward           // logits, loss, the epoch's totals
	backward          // gradients
	optimizer         // update
	goCode            // Go: making and freeing tensors, reporting, saving
	device            // waiting for the GPU at the end of an epoch
	evaluation        // of the test set
	parts
)

// PartNames name the parts of an epoch's time, in the order of a [Profile].
var PartNames = [parts]string{"load", "forward", "backward", "optimizer", "Go", "device", "evaluate"}

// A Profile is where the time went.
type Profile [parts]time.Duration

// A stopwatch divides the time among parts.
type stopwatch struct {
	Profile
	last time.Time
}

// lap gives the time since the last lap to a part.
func (s *stopwatch) lap(part int) {
	now := time.Now()
	s.Profile[part] += now.Sub(s.last)
	s.last = now
}
