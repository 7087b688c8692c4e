package tune

import (
	"reflect"
	"slices"
	"testing"

	"lenet/train"
)

func TestExpand(t *testing.T) {
	for list, want := range map[string][]string{
		"1.5":            {"1.5"},
		"32,64":          {"32", "64"},
		"0.15:1.5:0.15":  {"0.15", "0.3", "0.45", "0.6", "0.75", "0.9", "1.05", "1.2", "1.35", "1.5"},
		"1:3:1, 10":      {"1", "2", "3", "10"},
		"0.1:0.25:0.1":   {"0.1", "0.2"},
		"sgd,adam":       {"sgd", "adam"},
		"1e-3:3e-3:1e-3": {"0.001", "0.002", "0.003"},
	} {
		if got, err := expand(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q; error %v", list, got, want, err)
		}
	}
	for _, list := range []string{"", ",", "1,,2", "1:2", "2:1:1", "1:2:0", "1:2:-1", "1:x:1", "0:1:1e-9", "1:2:3:4", "NaN:1:1"} {
		if got, err := expand(list); err == nil {
			t.Errorf("%q is %q", list, got)
		}
	}
}

// A hyperparameter that the table lacks would have its zero value in every trial.
func TestEveryHyperparameterHasAnAxis(t *testing.T) {
	o := Options{LearningRate: "0.50", BatchSize: "032", Optimizer: "adam", Activation: "tanh", Seed: "07"}
	axes, err := o.axes()
	if err != nil {
		t.Fatal(err)
	}
	var s train.Hyperparameters
	for i, want := range []string{"0.5", "32", "adam", "tanh", "7"} {
		if got := axes[i].Values; !slices.Equal(got, []string{want}) {
			t.Errorf("--%s has the values %q, want %q", axes[i].Name, got, want)
		}
		if err := axes[i].set(&s, want); err != nil || axes[i].Of(s) != want {
			t.Errorf("--%s %s is set as %s, error %v", axes[i].Name, want, axes[i].Of(s), err)
		}
	}
	fields := reflect.ValueOf(s)
	if fields.NumField() != len(axes) {
		t.Errorf("%d axes for %d hyperparameters", len(axes), fields.NumField())
	}
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			t.Errorf("no axis sets %s", fields.Type().Field(i).Name)
		}
	}
}
