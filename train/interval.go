package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// An Interval is how often something is done in a training: one of its fields is set, or none for never.
//
// Its text is a number of epochs, as "2", a number of steps, as "500steps", or a time, as "30s" or "10m".
type Interval struct {
	Epochs, Steps int
	Time          time.Duration
}

// UnmarshalText sets an interval from its text.
func (i *Interval) UnmarshalText(text []byte) (err error) {
	*i = Interval{}
	s := string(text)
	if n, ok := strings.CutSuffix(s, "steps"); ok {
		i.Steps, err = strconv.Atoi(n)
	} else if i.Epochs, err = strconv.Atoi(s); err != nil {
		i.Epochs = 0
		i.Time, err = time.ParseDuration(s)
	}
	if err != nil || i.Epochs < 0 || i.Steps < 0 || i.Time < 0 {
		*i = Interval{}
		return fmt.Errorf("%q is no number of epochs, as 2, of steps, as 500steps, and no time, as 30s or 10m", s)
	}
	return nil
}

// MarshalText returns an interval's text.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// String returns an interval's text.
func (i Interval) String() string {
	switch {
	case i.Steps > 0:
		return fmt.Sprintf("%dsteps", i.Steps)
	case i.Time > 0:
		return i.Time.String()
	}
	return strconv.Itoa(i.Epochs)
}

// timedSteps is how many steps may follow one another before the time is looked at.
const timedSteps = 64

// Within returns how many steps may follow, after so many, before Due has to be asked again within an epoch.
func (i Interval) Within(steps int) int {
	switch {
	case i.Steps > 0:
		return i.Steps - steps%i.Steps
	case i.Time > 0:
		return timedSteps
	}
	return math.MaxInt
}

// Due says whether it is time again: between two steps after so many of them, at the end of an epoch, whose number is otherwise 0, and after the last time.
func (i Interval) Due(steps, epoch int, last time.Time) bool {
	switch {
	case i.Steps > 0:
		return steps%i.Steps == 0
	case i.Time > 0:
		return time.Since(last) >= i.Time // by a clock that nobody sets
	}
	return i.Epochs > 0 && epoch > 0 && epoch%i.Epochs == 0
}
