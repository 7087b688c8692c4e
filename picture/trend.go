package picture

import "math"

const (
	trendDegree = 4  // of the polynomial: light that falls off to the corners and from one side to the other
	trendSide   = 64 // pixels of the longer side of the plane that it is fitted to
	trendFits   = 6
)

// powers writes the values of the polynomial's terms x^i·y^j, i+j <= trendDegree, at a place from -1 to 1.
func powers(to []float64, x, y float64) []float64 {
	to = to[:0]
	for i, xi := 0, 1.0; i <= trendDegree; i, xi = i+1, xi*x {
		for j, v := 0, xi; i+j <= trendDegree; j, v = j+1, v*y {
			to = append(to, v)
		}
	}
	return to
}

// trend returns a polynomial of the place that is close to most of a plane's values: least squares, where values that are far from the last fit weigh
// little (Tukey's biweight).
func (p *plane) trend() plane {
	k := max(1, (max(p.w, p.h)+trendSide-1)/trendSide)
	small := p.shrunk(k)
	place := func(i, n int) float64 { return (2*float64(i)+1)/float64(n) - 1 }
	var terms []float64
	n := len(powers(nil, 0, 0))
	weights := make([]float64, len(small.v))
	for i := range weights {
		weights[i] = 1
	}
	residuals := make([]float32, len(small.v))
	var factors []float64
	for range trendFits {
		normal := make([][]float64, n) // with the right-hand side as its last column
		for i := range normal {
			normal[i] = make([]float64, n+1)
			normal[i][i] = 1e-6
		}
		for y := range small.h {
			for x, v := range small.row(y) {
				w := weights[y*small.w+x]
				if w == 0 {
					continue
				}
				terms = powers(terms, place(x, small.w), place(y, small.h))
				for i, a := range terms {
					for j := i; j < n; j++ {
						normal[i][j] += w * a * terms[j]
					}
					normal[i][n] += w * a * float64(v)
				}
			}
		}
		for i := range n {
			for j := range i {
				normal[i][j] = normal[j][i]
			}
		}
		factors = solve(normal)
		for y := range small.h {
			for x, v := range small.row(y) {
				terms = powers(terms, place(x, small.w), place(y, small.h))
				residuals[y*small.w+x] = abs(v - float32(dot(terms, factors)))
			}
		}
		far := 6 * max(float64(quantile(residuals, 0.5)), 0.002)
		for i, r := range residuals {
			u := float64(r) / far
			weights[i] = math.Pow(max(0, 1-u*u), 2)
		}
	}
	out := newPlane(p.w, p.h)
	for y := range p.h {
		for x := range p.w {
			terms = powers(terms, place(x, p.w), place(y, p.h))
			out.row(y)[x] = float32(dot(terms, factors))
		}
	}
	return out
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// solve returns the solution of a symmetric positive system by elimination. Its last column is the right-hand side. It changes the system.
func solve(rows [][]float64) []float64 {
	n := len(rows)
	for i := range n {
		for r := i + 1; r < n; r++ {
			f := rows[r][i] / rows[i][i]
			for c := i; c <= n; c++ {
				rows[r][c] -= f * rows[i][c]
			}
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = rows[i][n]
		for c := i + 1; c < n; c++ {
			x[i] -= rows[i][c] * x[c]
		}
		x[i] /= rows[i][i]
	}
	return x
}
