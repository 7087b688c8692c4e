package picture

// quantile returns the value below which a share of the values lies. It looks at 100,000 of them at most.
func quantile(values []float32, share float64) float32 {
	step := 1 + len(values)/100_000
	some := make([]float32, 0, (len(values)+step-1)/step)
	for i := 0; i < len(values); i += step {
		some = append(some, values[i])
	}
	if len(some) == 0 {
		return 0
	}
	return nth(some, min(int(share*float64(len(some))), len(some)-1))
}

// nth returns the value that would be at index n if the values were sorted (Hoare's selection). It reorders them.
func nth(values []float32, n int) float32 {
	low, high := 0, len(values)-1
	for low < high {
		a, b, c := values[low], values[(low+high)/2], values[high]
		pivot := max(min(a, b), min(max(a, b), c)) // their median
		i, j := low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch { // values up to j are at most pivot, those from i at least; what lies between is pivot
		case n <= j:
			high = j
		case n >= i:
			low = i
		default:
			return pivot
		}
	}
	return values[low]
}

// median3 returns the median of the 3x3 pixels around each pixel.
func (p *plane) median3() plane {
	out := newPlane(p.w, p.h)
	var near [9]float32
	for y := range p.h {
		for x := range p.w {
			if x > 0 && y > 0 && x < p.w-1 && y < p.h-1 {
				i := y*p.w + x
				out.v[i] = medianOf9(p.v[i-p.w-1:][:3], p.v[i-1:][:3], p.v[i+p.w-1:][:3])
				continue
			}
			n := 0
			for yy := max(0, y-1); yy <= min(p.h-1, y+1); yy++ {
				n += copy(near[n:], p.row(yy)[max(0, x-1):min(p.w, x+2)])
			}
			out.row(y)[x] = nth(near[:n], n/2)
		}
	}
	return out
}

// medianOf9 returns the median of three rows of three: that of the largest of the rows' minima, the median of their medians and the smallest of
// their maxima.
func medianOf9(a, b, c []float32) float32 {
	al, am, ah := sorted(a[0], a[1], a[2])
	bl, bm, bh := sorted(b[0], b[1], b[2])
	cl, cm, ch := sorted(c[0], c[1], c[2])
	low := max(al, bl, cl)
	high := min(ah, bh, ch)
	_, middle, _ := sorted(am, bm, cm)
	_, middle, _ = sorted(low, middle, high)
	return middle
}

func sorted(a, b, c float32) (low, middle, high float32) {
	if b < a {
		a, b = b, a
	}
	if c < b {
		b, c = c, b
		if b < a {
			a, b = b, a
		}
	}
	return a, b, c
}
