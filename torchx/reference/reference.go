// Package reference is LeNet in float64, one image at a time, written from the definitions: the slow and obvious version that the fast ones
// are tested against. It shares nothing with them.
package reference

import "math"

// A LeNet is the network of an architecture with its parameters, laid out as PyTorch's: weight [out, in, 5, 5] and bias of two convolutions,
// then weight [out, in] and bias of three linear layers.
type LeNet struct {
	Rows, Cols       int // of an image
	Channels, Hidden [2]int
	Classes          int
	Activation       string // of Activations
	Params           [10][]float64
}

// Sizes returns the number of values of each parameter.
func (n *LeNet) Sizes() (sizes [10]int) {
	in := n.features()
	for i, layer := range [5][2]int{{25, n.Channels[0]}, {25 * n.Channels[0], n.Channels[1]}, {in, n.Hidden[0]}, {n.Hidden[0], n.Hidden[1]}, {n.Hidden[1], n.Classes}} {
		sizes[2*i], sizes[2*i+1] = layer[0]*layer[1], layer[1]
	}
	return sizes
}

// features is the number of inputs of the first linear layer.
func (n *LeNet) features() int {
	return n.Channels[1] * (((n.Rows-4)/2 - 4) / 2) * (((n.Cols-4)/2 - 4) / 2)
}

// Zeros returns gradients of nothing yet.
func (n *LeNet) Zeros() (gradients [10][]float64) {
	for i, size := range n.Sizes() {
		gradients[i] = make([]float64, size)
	}
	return gradients
}

// A Result is what the network says of an image.
type Result struct {
	Logits []float64
	Loss   float64 // the softmax cross-entropy

	// Clear is how clear its decisions were: by how much the largest of four exceeded the next one that was not its equal, and for relu, how far
	// from 0 its argument was; the least of all. In other arithmetic a decision that is not clear may be another one.
	Clear float64
}

// Run returns the result of an image, [Rows, Cols], and adds the gradients of its loss. With label smoothing s, the target is 1 - s at the label and s
// / classes more everywhere.
func (n *LeNet) Run(image []uint8, label int, smoothing float64, gradients *[10][]float64) Result {
	p, g, f := &n.Params, gradients, Activations[n.Activation]
	r := Result{Clear: math.Inf(1)}
	x := make([]float64, len(image))
	for i, v := range image {
		x[i] = float64(v) / 255
	}
	kink := func(values []float64) {
		if n.Activation == "relu" {
			for _, v := range values {
				if v != 0 {
					r.Clear = min(r.Clear, math.Abs(v))
				}
			}
		}
	}

	// Forward. a is before the activation, y after it; from is where a pool found its maximum.
	a1, rows, cols := convolve(x, 1, n.Rows, n.Cols, p[0], p[1])
	p1, from1 := pool(each(f.Value, a1), a1, n.Channels[0], rows, cols, &r.Clear)
	rows1, cols1 := rows/2, cols/2
	a2, rows, cols := convolve(p1, n.Channels[0], rows1, cols1, p[2], p[3])
	p2, from2 := pool(each(f.Value, a2), a2, n.Channels[1], rows, cols, &r.Clear)
	a3 := linear(p2, p[4], p[5])
	y3 := each(f.Value, a3)
	a4 := linear(y3, p[6], p[7])
	y4 := each(f.Value, a4)
	r.Logits = linear(y4, p[8], p[9])
	for _, a := range [][]float64{at(a1, from1), at(a2, from2), a3, a4} {
		kink(a)
	}

	largest, total := math.Inf(-1), 0.0
	for _, l := range r.Logits {
		largest = max(largest, l)
	}
	for _, l := range r.Logits {
		total += math.Exp(l - largest)
	}
	d := make([]float64, n.Classes) // the loss's derivative by the logits
	for c, l := range r.Logits {
		target := smoothing / float64(n.Classes)
		if c == label {
			target += 1 - smoothing
		}
		r.Loss -= target * (l - largest - math.Log(total))
		d[c] = math.Exp(l-largest)/total - target
	}

	// Backward.
	d = times(linearBackward(d, y4, p[8], g[8], g[9]), each(f.Slope, a4))
	d = times(linearBackward(d, y3, p[6], g[6], g[7]), each(f.Slope, a3))
	d = linearBackward(d, p2, p[4], g[4], g[5])
	d = convolveBackward(times(d, each(f.Slope, at(a2, from2))), from2, rows, cols, p1, n.Channels[0], rows1, cols1, p[2], g[2], g[3])
	convolveBackward(times(d, each(f.Slope, at(a1, from1))), from1, n.Rows-4, n.Cols-4, x, 1, n.Rows, n.Cols, p[0], g[0], g[1])
	return r
}

// convolve is a 5x5 convolution of x [in, rows, cols].
func convolve(x []float64, in, rows, cols int, weight, bias []float64) (y []float64, outRows, outCols int) {
	outRows, outCols = rows-4, cols-4
	for o, b := range bias {
		for i := range outRows {
			for j := range outCols {
				sum := b
				for c := range in {
					for k := range 5 {
						for l := range 5 {
							sum += weight[((o*in+c)*5+k)*5+l] * x[(c*rows+i+k)*cols+j+l]
						}
					}
				}
				y = append(y, sum)
			}
		}
	}
	return y, outRows, outCols
}

// pool is a 2x2 max-pool of y [channels, rows, cols]; from has the index of each maximum, the first of equals. clear becomes the least distance of a
// maximum from another value: of a, what y was before its activation.
func pool(y, a []float64, channels, rows, cols int, clear *float64) (maxima []float64, from []int) {
	for c := range channels {
		for i := 0; i+1 < rows; i += 2 {
			for j := 0; j+1 < cols; j += 2 {
				four := [4]int{(c*rows+i)*cols + j, (c*rows+i)*cols + j + 1, (c*rows+i+1)*cols + j, (c*rows+i+1)*cols + j + 1}
				best := four[0]
				for _, k := range four[1:] {
					if y[k] > y[best] {
						best = k
					}
				}
				for _, k := range four {
					if distance := math.Abs(a[best] - a[k]); distance > 0 {
						*clear = min(*clear, distance)
					}
				}
				maxima, from = append(maxima, y[best]), append(from, best)
			}
		}
	}
	return maxima, from
}

// convolveBackward adds to the gradients of weight and bias, and returns that of x, from d: that of the maxima, which were at from in the
// convolution's [out, outRows, outCols].
func convolveBackward(d []float64, from []int, outRows, outCols int, x []float64, in, rows, cols int, weight, dweight, dbias []float64) (dx []float64) {
	dx = make([]float64, len(x))
	for m, at := range from {
		o, i, j := at/(outRows*outCols), at/outCols%outRows, at%outCols
		dbias[o] += d[m]
		for c := range in {
			for k := range 5 {
				for l := range 5 {
					tap, pixel := ((o*in+c)*5+k)*5+l, (c*rows+i+k)*cols+j+l
					dweight[tap] += d[m] * x[pixel]
					dx[pixel] += d[m] * weight[tap]
				}
			}
		}
	}
	return dx
}

func linear(x, weight, bias []float64) []float64 {
	y := make([]float64, len(bias))
	for o := range y {
		y[o] = bias[o]
		for i := range x {
			y[o] += weight[o*len(x)+i] * x[i]
		}
	}
	return y
}

func linearBackward(dy, x, weight, dweight, dbias []float64) (dx []float64) {
	dx = make([]float64, len(x))
	for o, d := range dy {
		dbias[o] += d
		for i := range x {
			dweight[o*len(x)+i] += d * x[i]
			dx[i] += d * weight[o*len(x)+i]
		}
	}
	return dx
}

func each(f func(float64) float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

func times(x, y []float64) []float64 {
	for i := range x {
		x[i] *= y[i]
	}
	return x
}

func at(x []float64, indices []int) (y []float64) {
	for _, i := range indices {
		y = append(y, x[i])
	}
	return y
}

// An Activation is y = f(x) and its slope at x.
type Activation struct{ Value, Slope func(x float64) float64 }

// Activations are the activations and their derivatives, as their definitions have them.
var Activations = map[string]Activation{
	"none":    {func(x float64) float64 { return x }, func(float64) float64 { return 1 }},
	"sigmoid": {logistic, func(x float64) float64 { return logistic(x) * (1 - logistic(x)) }},
	"tanh":    {math.Tanh, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }},
	"relu":    {func(x float64) float64 { return max(x, 0) }, func(x float64) float64 { return math.Ceil(min(max(x, 0), 1)) }},
	"gelu":    {func(x float64) float64 { return x * normal(x) }, func(x float64) float64 { return normal(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi) }},
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// normal is the probability that a normally distributed value is below x; x times it is gelu (Hendrycks, Gimpel 2016).
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
