package runs

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestAStateIsWhatTheLockAndTheFilesSay(t *testing.T) {
	epochs := func(t *testing.T, d Dir, n int) {
		for i := range n {
			if err := d.AppendEpoch(epoch(i+1, 0.5)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		leave  func(*testing.T, Dir)
		locked bool
		want   State
	}{
		"it runs":              {leave: func(t *testing.T, d Dir) { must(t, d.WriteRunning()) }, locked: true, want: State{Name: StateRunning}},
		"it goes on":           {leave: func(t *testing.T, d Dir) { must(t, d.WriteOutcome(errors.New("bad"), true)) }, locked: true, want: State{Name: StateRunning}},
		"it was killed":        {leave: func(t *testing.T, d Dir) { must(t, d.WriteRunning()) }, want: State{Name: StateStopped}},
		"it ended":             {leave: func(t *testing.T, d Dir) { must(t, d.WriteOutcome(nil, false)) }, want: State{Name: StateEnded}},
		"it was stopped":       {leave: func(t *testing.T, d Dir) { must(t, d.WriteOutcome(errors.New("interrupt"), true)) }, want: State{Name: StateStopped}},
		"it failed":            {leave: func(t *testing.T, d Dir) { must(t, d.WriteOutcome(errors.New("bad"), false)) }, want: State{Name: StateFailed, Error: "bad"}},
		"old, all epochs":      {leave: func(t *testing.T, d Dir) { epochs(t, d, 3) }, want: State{Name: StateEnded}},
		"old, an epoch lacks":  {leave: func(t *testing.T, d Dir) { epochs(t, d, 2) }, want: State{Name: StateStopped}},
		"old, it runs":         {leave: func(t *testing.T, d Dir) { epochs(t, d, 2) }, locked: true, want: State{Name: StateRunning}},
		"an old sweep":         {leave: func(t *testing.T, d Dir) { must(t, d.AppendTrial(1)) }, want: State{Name: StateEnded}},
		"damaged":              {leave: func(t *testing.T, d Dir) { write(t, d.file(statusFile), `{"state":"ended`); epochs(t, d, 1) }, want: State{Name: StateStopped}},
		"an unknown state":     {leave: func(t *testing.T, d Dir) { write(t, d.file(statusFile), `{"state":"asleep"}`); epochs(t, d, 3) }, want: State{Name: StateEnded}},
		"options are damaged":  {leave: func(t *testing.T, d Dir) { write(t, d.Config(), `{"epochs":`); epochs(t, d, 3) }, want: State{Name: StateStopped}},
		"the folder is locked": {leave: func(t *testing.T, d Dir) {}, locked: true, want: State{Name: StateRunning}},
	} {
		d := made(t)
		c.leave(t, d)
		if c.locked {
			release, err := d.Lock()
			if err != nil {
				t.Fatal(err)
			}
			defer release()
		}
		got := d.State()
		if again := d.State(); again != got {
			t.Errorf("%s: %+v, and then %+v", name, got, again)
		}
		got.At = time.Time{}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Readers compare states: those of one file are equal in every time zone.
func TestTwoReadingsOfAStateAreEqual(t *testing.T) {
	d := made(t)
	text, err := json.Marshal(State{StateEnded, "", time.Now().In(time.FixedZone("", 5*3600+45*60))})
	must(t, err)
	write(t, d.file(statusFile), string(text))
	if a, b := d.State(), d.State(); a != b || a.At.IsZero() {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestAnOutcomeThatIsWrittenKeepsItsTime(t *testing.T) {
	d := made(t)
	must(t, d.WriteOutcome(nil, false))
	before := d.State()
	must(t, d.WriteOutcome(nil, false))
	if after := d.State(); after != before {
		t.Errorf("%+v, and before %+v", after, before)
	}
}

// Who asks for the state of a folder again and again keeps nobody from writing to it, and is never told that a run which ends was stopped.
func TestAskingForAStateDisturbsNoRun(t *testing.T) {
	d := made(t)
	must(t, d.WriteOutcome(nil, false))
	var over atomic.Bool
	wrong := make(chan State, 4)
	for range cap(wrong) {
		go func() {
			var found State
			for !over.Load() {
				if s := d.State(); s.Name != StateRunning && s.Name != StateEnded {
					found = s
				}
			}
			wrong <- found
		}()
	}
	for range 300 {
		release, err := d.Lock()
		if err != nil {
			t.Error(err)
			break
		}
		must(t, d.WriteRunning())
		must(t, d.WriteOutcome(nil, false))
		release()
	}
	over.Store(true)
	for range cap(wrong) {
		if s := <-wrong; s.Name != "" {
			t.Errorf("state %+v", s)
		}
	}
}
