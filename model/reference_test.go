package model_test

import "math"

// reference is the network in float64, one image at a time, written from the definition and sharing nothing with package
// model: the slow and obvious version that the fast ones are tested against. Weights are laid out as PyTorch's.
type reference struct {
	activation string

	conv1W, conv1B []float64 // [6,1,5,5], [6]
	conv2W, conv2B []float64 // [16,6,5,5], [16]
	fc1W, fc1B     []float64 // [120,256], [120]
	fc2W, fc2B     []float64 // [84,120], [84]
	fc3W, fc3B     []float64 // [10,84], [10]
}

// fields lists the parameters in the order of LeNet.Parameters.
func (r *reference) fields() []*[]float64 {
	return []*[]float64{&r.conv1W, &r.conv1B, &r.conv2W, &r.conv2B, &r.fc1W, &r.fc1B, &r.fc2W, &r.fc2B, &r.fc3W, &r.fc3B}
}

// run returns the logits of one image of 28x28 pixels and its loss, and adds the loss's gradients, times scale, to grad.
func (r *reference) run(image []float64, label int, scale float64, grad *reference) (logits []float64, loss float64) {
	// Forward. a is after the convolution, s after the activation, p after the pool; from is where the pool found its maximum.
	a1 := convolve(image, 1, 28, r.conv1W, r.conv1B, 6) // [6,24,24]
	s1 := r.activate(a1)
	p1, from1 := pool(s1, 6, 24)                      // [6,12,12]
	a2 := convolve(p1, 6, 12, r.conv2W, r.conv2B, 16) // [16,8,8]
	s2 := r.activate(a2)
	p2, from2 := pool(s2, 16, 8) // [256]
	a3 := linear(p2, r.fc1W, r.fc1B)
	h1 := r.activate(a3)
	a4 := linear(h1, r.fc2W, r.fc2B)
	h2 := r.activate(a4)
	logits = linear(h2, r.fc3W, r.fc3B)
	total := 0.0
	for _, l := range logits {
		total += math.Exp(l)
	}
	loss = math.Log(total) - logits[label]

	// Backward. d is the loss's derivative by the value of the same name.
	dLogits := make([]float64, len(logits))
	for i, l := range logits {
		dLogits[i] = scale * math.Exp(l) / total
	}
	dLogits[label] -= scale
	dH2 := linearBackward(dLogits, h2, r.fc3W, grad.fc3W, grad.fc3B)
	dH1 := linearBackward(r.throughActivation(dH2, a4), h1, r.fc2W, grad.fc2W, grad.fc2B)
	dP2 := linearBackward(r.throughActivation(dH1, a3), p2, r.fc1W, grad.fc1W, grad.fc1B)
	dA2 := r.throughActivation(unpool(dP2, from2, len(s2)), a2)
	dP1 := convolveBackward(dA2, p1, 6, 12, r.conv2W, grad.conv2W, grad.conv2B, 16)
	dA1 := r.throughActivation(unpool(dP1, from1, len(s1)), a1)
	convolveBackward(dA1, image, 1, 28, r.conv1W, grad.conv1W, grad.conv1B, 6)
	return logits, loss
}

// convolve is a 5x5 convolution of [in,size,size] to [out,size-4,size-4].
func convolve(x []float64, in, size int, w, b []float64, out int) []float64 {
	n := size - 4
	y := make([]float64, out*n*n)
	for o := range out {
		for i := range n {
			for j := range n {
				sum := b[o]
				for c := range in {
					for k := range 5 {
						for l := range 5 {
							sum += w[((o*in+c)*5+k)*5+l] * x[(c*size+i+k)*size+j+l]
						}
					}
				}
				y[(o*n+i)*n+j] = sum
			}
		}
	}
	return y
}

func convolveBackward(dy, x []float64, in, size int, w, dw, db []float64, out int) (dx []float64) {
	n := size - 4
	dx = make([]float64, len(x))
	for o := range out {
		for i := range n {
			for j := range n {
				d := dy[(o*n+i)*n+j]
				db[o] += d
				for c := range in {
					for k := range 5 {
						for l := range 5 {
							dw[((o*in+c)*5+k)*5+l] += d * x[(c*size+i+k)*size+j+l]
							dx[(c*size+i+k)*size+j+l] += d * w[((o*in+c)*5+k)*5+l]
						}
					}
				}
			}
		}
	}
	return dx
}

// pool is a 2x2 max-pool of [channels,size,size]; from has the index in x of each maximum, the first of equals.
func pool(x []float64, channels, size int) (y []float64, from []int) {
	for c := range channels {
		for i := 0; i < size; i += 2 {
			for j := 0; j < size; j += 2 {
				best := (c*size+i)*size + j
				for _, at := range []int{best + 1, best + size, best + size + 1} {
					if x[at] > x[best] {
						best = at
					}
				}
				y, from = append(y, x[best]), append(from, best)
			}
		}
	}
	return y, from
}

func unpool(dy []float64, from []int, n int) []float64 {
	dx := make([]float64, n)
	for i, at := range from {
		dx[at] += dy[i]
	}
	return dx
}

func linear(x, w, b []float64) []float64 {
	y := make([]float64, len(b))
	for o := range y {
		y[o] = b[o]
		for i := range x {
			y[o] += w[o*len(x)+i] * x[i]
		}
	}
	return y
}

func linearBackward(dy, x, w, dw, db []float64) (dx []float64) {
	dx = make([]float64, len(x))
	for o, d := range dy {
		db[o] += d
		for i := range x {
			dw[o*len(x)+i] += d * x[i]
			dx[i] += d * w[o*len(x)+i]
		}
	}
	return dx
}

// activations are the formulas, from the definitions: y = f(x), and the slope at x.
var activations = map[string]struct{ f, slope func(x float64) float64 }{
	"sigmoid": {logistic, func(x float64) float64 { return logistic(x) * (1 - logistic(x)) }},
	"tanh":    {math.Tanh, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }},
	"relu":    {func(x float64) float64 { return math.Max(x, 0) }, func(x float64) float64 { return b2f(x > 0) }},
	"gelu":    {func(x float64) float64 { return x * normal(x) }, func(x float64) float64 { return normal(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi) }},
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// normal is the normal distribution's cumulative function.
func normal(x float64) float64 { return (1 + math.Erf(x/math.Sqrt2)) / 2 }

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (r *reference) activate(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = activations[r.activation].f(v)
	}
	return y
}

// throughActivation returns the derivative by the activation's input x, from that by its output.
func (r *reference) throughActivation(dy, x []float64) []float64 {
	dx := make([]float64, len(x))
	for i := range x {
		dx[i] = dy[i] * activations[r.activation].slope(x[i])
	}
	return dx
}
