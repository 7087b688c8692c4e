package metrics

// Progress is how far a run is within an epoch, and a line of progress.jsonl.
type Progress struct {
	Epoch    int     `json:"epoch"`   // from 1
	Images   int     `json:"images"`  // of the epoch, that are trained on
	Of       int     `json:"of"`      // images of an epoch
	Loss     float64 `json:"loss"`    // the mean over these images
	Accuracy float64 `json:"acc"`     // the share of them that was answered right
	Seconds  float64 `json:"seconds"` // since the run began, or went on
}
