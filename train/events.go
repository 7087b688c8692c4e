package train

import "lenet/tensorboard"

// events writes metrics for TensorBoard; the zero value writes none.
type events struct{ writer *tensorboard.Writer }

func newEvents(dir folder, wanted bool) (events, error) {
	if !wanted {
		return events{}, nil
	}
	w, err := tensorboard.Create(string(dir))
	return events{w}, err
}

// add writes an epoch's metrics.
func (e events) add(m Metrics) error {
	if e.writer == nil {
		return nil
	}
	values := map[string]float64{
		"loss/train": m.Loss, "loss/test": m.TestLoss, "accuracy/train": m.TrainAccuracy, "accuracy/test": m.TestAccuracy,
		"seconds/train": m.TrainSeconds, "seconds/test": m.EvalSeconds,
	}
	if m.ValidationLoss != 0 {
		values["loss/validation"], values["accuracy/validation"] = m.ValidationLoss, m.ValidationAccuracy
	}
	return e.writer.Scalars(m.Epoch, values)
}

func (e events) close() {
	if e.writer != nil {
		_ = e.writer.Close() // every event is written already
	}
}
