package optim

import (
	"math"
	"testing"
)

// The values are those of PyTorch 2.11's schedulers: OneCycleLR(max_lr=1, total_steps=20), with pct_start 0.3 and 0.2; and, by their formulas,
// of the others.
func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		name     string
		schedule Schedule
		want     map[int]float64 // by step, at 5 steps an epoch
	}{
		{"constant", Schedule{Name: "constant"}, map[int]float64{0: 1, 19: 1}},
		{"warm-up", Schedule{Name: "constant", WarmUp: 2}, map[int]float64{0: 0.1, 4: 0.5, 9: 1, 10: 1}},
		{"step", Schedule{Name: "step", StepSize: 2, Gamma: 0.5}, map[int]float64{0: 1, 9: 1, 10: 0.5, 19: 0.5}},
		{"cosine", Schedule{Name: "cosine"}, map[int]float64{0: 1, 10: 0.5, 19: (1 + math.Cos(math.Pi*19/20)) / 2}},
		{"cosine after a warm-up", Schedule{Name: "cosine", WarmUp: 1}, map[int]float64{0: 0.2, 4: 1, 5: 1, 10: (1 + math.Cos(math.Pi/3)) / 2}},
		{"onecycle", Schedule{Name: "onecycle"}, oneCycle30},
		{"onecycle with a warm-up", Schedule{Name: "onecycle", WarmUp: 0.8}, oneCycle20},
	} {
		for step, want := range c.want {
			if got := c.schedule.Factor(step, 5, 4); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: step %d has %.10g, want %.10g", c.name, step, got, want)
			}
		}
	}
}

var (
	oneCycle30 = map[int]float64{
		0: 0.04, 1: 0.1316718427, 2: 0.3716718427, 3: 0.6683281573, 4: 0.9083281573, 5: 1, 6: 0.9874640062, 12: 0.500002, 18: 0.01253999376, 19: 4e-06,
	}
	oneCycle20 = map[int]float64{
		0: 0.04, 1: 0.28, 2: 0.76, 3: 1, 4: 0.9903926786, 5: 0.9619399185, 6: 0.9157351432, 12: 0.4024572292, 18: 0.009611321369, 19: 4e-06,
	}
)

// A name that only the list of schedules knows is impossible, since there is none; one that nobody knows trains nothing.
func TestAnUnknownScheduleIsRefused(t *testing.T) {
	s := Schedule{Name: "no-such-schedule", StepSize: 1, Gamma: 1}
	if err := s.Validate(4); err == nil {
		t.Error("it is valid")
	}
	if factor := s.Factor(0, 5, 4); !math.IsNaN(factor) {
		t.Errorf("its factor is %v", factor)
	}
	for _, name := range Names["schedules"] {
		s.Name = name
		if err := s.Validate(4); err != nil || math.IsNaN(s.Factor(3, 5, 4)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
