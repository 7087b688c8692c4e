package metrics

// Progress is how far a run is within an epoch, and a line of progress.jsonl.
type Progress struct {
	Epoch    int     `json:"epoch"`   // from 1
	Images   int     `json:"images"`  // of the epoch, that are trained on
	Of       int     `json:"of"`      // images of an epoch
	Loss     float64 `json:"loss"`    // cross-entropy, the mean over these images, in nats
	Accuracy float64 `json:"acc"`     // share of these images, 0 to 1
	Seconds  float64 `json:"seconds"` // of training and evaluation until now, without the time for which the run was stopped
}
