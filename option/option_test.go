package option

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

func TestAnErrorNamesItsOption(t *testing.T) {
	err := fmt.Errorf("train: %w", OneOf("kernels", "quick", []string{"fused", "reference"}))
	var usage *Error
	if !errors.As(err, &usage) || usage.Option != "kernels" || err.Error() != `train: kernels is "quick" and must be fused or reference` {
		t.Errorf("error %v", err)
	}
	for _, bad := range []error{Share("ema", 1), Share("ema", -0.1), Share("ema", math.NaN()), AtLeast("epochs", 0, 1), OneOf("graph", "", nil)} {
		if !errors.As(bad, &usage) {
			t.Errorf("error %v", bad)
		}
	}
	if good := First(Share("ema", 0), Share("ema", 0.99), AtLeast("epochs", 1, 1), OneOf("a", "b", []string{"b"})); good != nil {
		t.Errorf("error %v", good)
	}
	if first := First(nil, AtLeast("a", 0, 1), AtLeast("b", 0, 1)); first.Error() != "a is 0 and must be 1 or more" {
		t.Errorf("the first error is %v", first)
	}
}

func TestListsReadAsSentences(t *testing.T) {
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := List(names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDefaultsAreThoseOfTheTags(t *testing.T) {
	type inner struct {
		Rate float64 `default:"0.5" help:"One of ${names}."`
	}
	var o struct {
		inner
		Epochs int       `default:"3"`
		Betas  []float64 `default:"0.9,0.99"`
		Name   string
		On     *bool `negatable:""`
	}
	Defaults(&o, Join(Names{"names": {"a", "b"}}, Names{"others": nil}))
	if o.Rate != 0.5 || o.Epochs != 3 || len(o.Betas) != 2 || o.Name != "" || o.On != nil {
		t.Errorf("%+v", o)
	}
	defer func() {
		if recover() == nil {
			t.Error("a help text with an unknown list is no error")
		}
	}()
	Defaults(&o, nil)
}
