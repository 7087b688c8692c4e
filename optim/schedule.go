package optim

import (
	"math"

	"lenet/option"
)

// Schedule says how the learning rate changes over a training's steps.
type Schedule struct {
	Name     string  `json:"schedule" name:"schedule" default:"constant" placeholder:"NAME" help:"Learning rate over the steps: ${schedules}."`
	WarmUp   float64 `json:"warm_up" default:"0" placeholder:"X" help:"Epochs in which the learning rate rises to --lr. 0 with onecycle: 30 % of all epochs."`
	StepSize int     `json:"step_size" default:"10" placeholder:"N" help:"With --schedule step: epochs after which the learning rate is multiplied by --gamma."`
	Gamma    float64 `json:"gamma" default:"0.1" placeholder:"X" help:"See --step-size."`
}

// A position is a step's place in a training. Its unit is the step.
type position struct {
	at, rise, total float64 // this step, from 0; the steps of the warm-up; all steps
	perEpoch        float64
}

// schedules are all schedules: a name, and the multiplier of the base learning rate at a step after the warm-up.
var schedules = []struct {
	name       string
	ownWarmUp  bool // the multiplier includes the warm-up
	multiplier func(s *Schedule, p position) float64
}{
	{"constant", false, func(*Schedule, position) float64 { return 1 }},
	// Times gamma after every so many epochs.
	{"step", false, func(s *Schedule, p position) float64 {
		return math.Pow(s.Gamma, float64(int(p.at)/int(p.perEpoch)/s.StepSize))
	}},
	// Half a cosine, down to 0 (Loshchilov, Hutter 2017, without restarts).
	{"cosine", false, func(_ *Schedule, p position) float64 { return halfCosine(1, 0, (p.at-p.rise)/(p.total-p.rise)) }},
	// Up along half a cosine, and down along another (Smith, Topin 2018); PyTorch's OneCycleLR.
	{"onecycle", true, oneCycle},
}

// scheduleNames returns the names of all schedules.
func scheduleNames() (names []string) {
	for _, s := range schedules {
		names = append(names, s.name)
	}
	return names
}

// PyTorch's defaults for the shape of a cycle: the share of it that rises, how much smaller the learning rate is at its beginning than at its
// height, and how much smaller again at its end.
const (
	oneCycleRise  = 0.3
	oneCycleBegin = 25
	oneCycleEnd   = 1e4
)

func oneCycle(_ *Schedule, p position) float64 {
	if p.rise == 0 {
		p.rise = oneCycleRise * p.total
	}
	if top := p.rise - 1; p.at <= top {
		return halfCosine(1.0/oneCycleBegin, 1, p.at/math.Max(top, 1))
	}
	return halfCosine(1, 1/(oneCycleBegin*oneCycleEnd), (p.at-p.rise+1)/(p.total-p.rise))
}

// halfCosine goes from one value to another along half a cosine, for x from 0 to 1.
func halfCosine(from, to, x float64) float64 { return to + (from-to)*(1+math.Cos(math.Pi*x))/2 }

// Factor returns the multiplier of the base learning rate at a step of a training of so many epochs; steps count from 0.
func (s *Schedule) Factor(step, stepsPerEpoch, epochs int) float64 {
	p := position{
		at: float64(step), rise: s.WarmUp * float64(stepsPerEpoch),
		total: float64(epochs * stepsPerEpoch), perEpoch: float64(stepsPerEpoch),
	}
	for _, known := range schedules {
		if known.name != s.Name {
			continue
		}
		if !known.ownWarmUp && p.at < p.rise {
			return (p.at + 1) / p.rise
		}
		return known.multiplier(s, p)
	}
	return math.NaN() // Validate refuses such a name, and no training goes on with it
}

// Validate checks each value, for a training of so many epochs. Its errors are [option.Error]s.
func (s *Schedule) Validate(epochs int) error {
	if err := option.First(
		option.OneOf("schedule", s.Name, scheduleNames()),
		option.AtLeast("step-size", s.StepSize, 1),
	); err != nil {
		return err
	}
	switch {
	case !(s.WarmUp >= 0 && s.WarmUp <= float64(epochs)):
		return option.Errorf("warm-up", "is %v and must be 0 to the number of epochs, %d", s.WarmUp, epochs)
	case !(s.Gamma > 0 && s.Gamma <= 1):
		return option.Errorf("gamma", "is %v and must be more than 0, and 1 at most", s.Gamma)
	}
	return nil
}
