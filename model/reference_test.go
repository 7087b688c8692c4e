package model_test

import "math"

// reference is the network in float64, one image at a time, written from the definition and sharing nothing with package
// model: the slow and obvious version that the fast ones are tested against. Weights are laid out as PyTorch's.
type reference struct {
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
	// Forward. a is after the convolution, s after the sigmoid, p after the pool; from is where the pool found its maximum.
	a1 := convolve(image, 1, 28, r.conv1W, r.conv1B, 6) // [6,24,24]
	s1 := sigmoid(a1)
	p1, from1 := pool(s1, 6, 24)                      // [6,12,12]
	a2 := convolve(p1, 6, 12, r.conv2W, r.conv2B, 16) // [16,8,8]
	s2 := sigmoid(a2)
	p2, from2 := pool(s2, 16, 8) // [256]
	h1 := sigmoid(linear(p2, r.fc1W, r.fc1B))
	h2 := sigmoid(linear(h1, r.fc2W, r.fc2B))
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
	dH1 := linearBackward(throughSigmoid(dH2, h2), h1, r.fc2W, grad.fc2W, grad.fc2B)
	dP2 := linearBackward(throughSigmoid(dH1, h1), p2, r.fc1W, grad.fc1W, grad.fc1B)
	dA2 := throughSigmoid(unpool(dP2, from2, len(s2)), s2)
	dP1 := convolveBackward(dA2, p1, 6, 12, r.conv2W, grad.conv2W, grad.conv2B, 16)
	dA1 := throughSigmoid(unpool(dP1, from1, len(s1)), s1)
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

func sigmoid(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = 1 / (1 + math.Exp(-v))
	}
	return y
}

// throughSigmoid returns the derivative by the sigmoid's input, from that by its output y.
func throughSigmoid(dy, y []float64) []float64 {
	dx := make([]float64, len(y))
	for i := range y {
		dx[i] = dy[i] * y[i] * (1 - y[i])
	}
	return dx
}
