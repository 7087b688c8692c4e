package report

// originalSweepEpochs is how long the original trained each setting of its sweeps.
const originalSweepEpochs = 10

// The figures of the original lab report (2020, MXNet, one GPU), which --original puts beside ours.
var (
	originalLearningRates = map[string]float64{ // test accuracy after ten epochs at batch size 64, about 99 s a setting
		"0.15": .977, "0.3": .986, "0.45": .984, "0.6": .987, "0.75": .990, "0.9": .989, "1.05": .991, "1.2": .991, "1.35": .990, "1.5": .991,
	}
	originalBatchSizes = map[string]float64{ // test accuracy after ten epochs at learning rate 1.5
		"32": .987, "64": .991, "128": .990, "256": .991, "512": .991,
	}
	originalBatchSeconds = map[string]float64{"32": 161, "64": 99.6, "128": 68.2, "256": 53.8, "512": 47.0}
	originalRun          = map[int]float64{11: .415, 12: .939, 17: .980, 25: .987} // test accuracy by epoch, at 1.5 and 256
)

// originalTexts say what the original gives beyond those numbers.
const (
	originalRunText = "The original: loss 2.30 for ten epochs, then test accuracy .415 at epoch 11, .939 at 12, .980 at 17 and .987 at 25; " +
		"5.3 to 5.6 s an epoch on its GPU; nine of nine predictions right."
	originalSweepText = "The original went on from one setting to the next with the same weights, which its figures betray: its training accuracy, a mean over the ten " +
		"epochs, is .684 at the first learning rate, on the plateau, .982 at the second and 1.000 from the ninth on, while its final run of 25 epochs from " +
		"fresh weights ends at .989. So its “best learning rate 1.5” partly means “trained longest”."
)
