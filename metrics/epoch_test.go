package metrics

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

// The keys and their order are those of metrics.jsonl since its first version.
const line = `{"epoch":3,"loss":0.5,"train_acc":0.75,"test_loss":0.625,"test_acc":0.875,"val_loss":0,"val_acc":0.9,"train_seconds":1.5,"eval_seconds":0.25,"images_per_second":40000}`

func epoch() Epoch {
	e := Epoch{Number: 3}
	e.Add(Train, Loss, 0.5)
	e.Add(Train, Accuracy, 0.75)
	e.Add(Test, Loss, 0.625)
	e.Add(Test, Accuracy, 0.875)
	e.Add(Validation, Loss, 0)
	e.Add(Validation, Accuracy, 0.9)
	e.Add(Train, Seconds, 1.5)
	e.Add(Eval, Seconds, 0.25)
	e.Add(Train, ImagesPerSecond, 40000)
	return e
}

func TestAnEpochKeepsItsKeysAndTheirOrder(t *testing.T) {
	text, err := json.Marshal(epoch())
	if err != nil || string(text) != line {
		t.Errorf("%s (%v)", text, err)
	}
	var e Epoch
	if err := json.Unmarshal([]byte(line), &e); err != nil || !reflect.DeepEqual(e, epoch()) {
		t.Errorf("%+v (%v)", e, err)
	}
}

func TestWhatIsNoEpochIsAnError(t *testing.T) {
	for _, text := range []string{`[]`, `{}`, `{"loss":1}`, `{"epoch":1,"loss":"low"}`, `{"epoch":1`} {
		if err := json.Unmarshal([]byte(text), &Epoch{}); err == nil {
			t.Errorf("%s was read", text)
		}
	}
	bad := Epoch{Number: 1}
	bad.Add(Train, Loss, math.NaN())
	if _, err := json.Marshal(bad); err == nil {
		t.Error("NaN was written")
	}
}

// A validation loss of 0 is one that was measured.
func TestValidationChoosesWhereThereIsOne(t *testing.T) {
	e := epoch()
	if e.Score() != 0.9 {
		t.Errorf("with validation the score is %v", e.Score())
	}
	without := Epoch{Number: 1, Values: e.Values[:4]}
	if without.Score() != 0.875 {
		t.Errorf("without validation the score is %v", without.Score())
	}
	if _, ok := without.Get(Validation, Loss); ok {
		t.Error("it has a validation loss")
	}
}

func TestEpochSeconds(t *testing.T) {
	if e := epoch(); e.Seconds() != 1.75 {
		t.Errorf("%v s", e.Seconds())
	}
}
