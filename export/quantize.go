package export

import (
	"fmt"
	"math"

	"lenet/model"
	"lenet/torchx"
)

// int8Weights name the weights that are whole numbers of 8 bits, in [Options].
const int8Weights = "int8"

// largest is the largest whole number of a weight. There is none below its negative, so that 0 stays 0.
const largest = 127

// isQuantized says whether a parameter is one of those that --quantize rounds: a weight, and not a bias.
func isQuantized(p *model.Parameter) bool { return len(p.Shape) > 1 }

// quantized returns a weight, whose first dimension counts the filters or the units of its layer, as whole numbers, and for each filter or unit the
// scale that they are multiplied with.
func quantized(values []float32, outputs int) (numbers []int8, scales []float32) {
	each := len(values) / outputs
	for begin := 0; begin < len(values); begin += each {
		part := values[begin:][:each]
		scale := float32(0)
		for _, v := range part {
			scale = max(scale, float32(math.Abs(float64(v)))/largest)
		}
		if scale == 0 { // all are
			scale = 1
		}
		scales = append(scales, scale)
		for _, v := range part {
			numbers = append(numbers, int8(max(-largest, min(largest, math.RoundToEven(float64(v/scale))))))
		}
	}
	return numbers, scales
}

// RoundWeights gives a network the weights that it has in a file with the option Quantize: rounded to whole numbers of -127 to 127, times a scale for
// each filter of a convolution or unit of a linear layer. Biases stay as they are.
func RoundWeights(n *model.LeNet) error {
	for _, p := range n.Parameters() {
		if !isQuantized(&p) {
			continue
		}
		values, err := p.Values()
		if err != nil {
			return err
		}
		numbers, scales := quantized(values, int(p.Shape[0]))
		for i, q := range numbers {
			values[i] = float32(q) * scales[i/(len(numbers)/len(scales))]
		}
		if err := torchx.Write(p.Tensor, values); err != nil {
			return fmt.Errorf("export: rounding %s: %w", p.Name, err)
		}
	}
	return nil
}
