package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Value is one measure of one split of the data.
type Value struct {
	Split Split
	Name  Name
	Value float64
}

// Key returns the value's key in metrics.jsonl, as "test_acc". The training loss is "loss", and the images a second are training's.
func (v Value) Key() string {
	if v.Split == Train && (v.Name == Loss || v.Name == ImagesPerSecond) {
		return string(v.Name)
	}
	return string(v.Split) + "_" + string(v.Name)
}

// valueOf is Key's inverse.
func valueOf(key string, value float64) Value {
	split, name, found := strings.Cut(key, "_")
	if known := Split(split); found && (known == Eval || slices.Contains(Splits, known)) {
		return Value{known, Name(name), value}
	}
	return Value{Train, Name(key), value}
}

// An Epoch is what was measured in one epoch, and a line of metrics.jsonl: a JSON object of numbers.
type Epoch struct {
	Number int     // from 1
	Values []Value // in the order in which they were added
}

// Add appends a value.
func (e *Epoch) Add(split Split, name Name, value float64) {
	e.Values = append(e.Values, Value{split, name, value})
}

// Get returns a value, and whether the epoch has it.
func (e *Epoch) Get(split Split, name Name) (float64, bool) {
	for _, v := range e.Values {
		if v.Split == split && v.Name == name {
			return v.Value, true
		}
	}
	return 0, false
}

// Of returns a value, or 0 where the epoch lacks it.
func (e *Epoch) Of(split Split, name Name) float64 {
	value, _ := e.Get(split, name)
	return value
}

// Seconds returns how long the epoch took, evaluation included.
func (e *Epoch) Seconds() float64 { return e.Of(Train, Seconds) + e.Of(Eval, Seconds) }

// Score returns the accuracy by which the best epoch is chosen: that of validation where there is one, and of the test set otherwise.
func (e *Epoch) Score() float64 {
	if accuracy, ok := e.Get(Validation, Accuracy); ok {
		return accuracy
	}
	return e.Of(Test, Accuracy)
}

const epochKey = "epoch"

// MarshalJSON returns the epoch as a JSON object, its number first.
func (e Epoch) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"%s":%d`, epochKey, e.Number)
	for _, v := range e.Values {
		number, err := json.Marshal(v.Value)
		if err != nil { // it is not finite
			return nil, fmt.Errorf("metrics: %s: %w", v.Key(), err)
		}
		key, err := json.Marshal(v.Key())
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		fmt.Fprintf(&b, `,%s:%s`, key, number)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, and keeps the order of the values.
func (e *Epoch) UnmarshalJSON(text []byte) error {
	*e = Epoch{}
	d := json.NewDecoder(bytes.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return errors.Join(errors.New("metrics: an epoch is an object"), err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value *float64
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("metrics: %s: %w", key, err)
		}
		switch {
		case value == nil:
			return fmt.Errorf("metrics: %s is null, and not a number", key)
		case key != epochKey:
			e.Values = append(e.Values, valueOf(key.(string), *value))
		case *value != math.Trunc(*value) || math.Abs(*value) > math.MaxInt32:
			return fmt.Errorf("metrics: an epoch has the number %v", *value)
		default:
			e.Number = int(*value)
		}
	}
	if e.Number < 1 {
		return errors.New("metrics: an epoch without its number")
	}
	return nil
}
