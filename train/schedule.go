package train

import "math"

// Schedule names how the learning rate goes over a training's steps.
type Schedule string

const (
	Constant Schedule = "constant"
	Step     Schedule = "step"     // times gamma after every so many epochs
	Cosine   Schedule = "cosine"   // half a cosine, down to 0 (Loshchilov, Hutter 2017, without restarts)
	OneCycle Schedule = "onecycle" // up along half a cosine, and down along another (Smith, Topin 2018); PyTorch's OneCycleLR
)

// Schedules are all of them.
var Schedules = []Schedule{Constant, Step, Cosine, OneCycle}

// PyTorch's defaults for the shape of a cycle: the share of it that rises, how much less the learning rate is at its beginning than at its
// height, and how much less again at its end.
const (
	oneCycleRise  = 0.3
	oneCycleBegin = 25
	oneCycleEnd   = 1e4
)

// factor returns what the learning rate is multiplied with at a step, from 0.
func (m *Method) factor(step, stepsPerEpoch int) float64 {
	total, rise := float64(m.Epochs*stepsPerEpoch), m.WarmUp*float64(stepsPerEpoch)
	at := float64(step)
	if m.Schedule == OneCycle {
		if rise == 0 {
			rise = oneCycleRise * total
		}
		if top := rise - 1; at <= top {
			return between(1.0/oneCycleBegin, 1, at/math.Max(top, 1))
		}
		return between(1, 1/(oneCycleBegin*oneCycleEnd), (at-rise+1)/(total-rise))
	}
	if at < rise {
		return (at + 1) / rise
	}
	switch m.Schedule {
	case Step:
		return math.Pow(m.Gamma, float64(step/stepsPerEpoch/m.StepSize))
	case Cosine:
		return between(1, 0, (at-rise)/(total-rise))
	}
	return 1
}

// between goes from one value to another along half a cosine, for x from 0 to 1.
func between(from, to, x float64) float64 { return to + (from-to)*(1+math.Cos(math.Pi*x))/2 }
