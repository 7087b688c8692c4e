package runs

import (
	"fmt"
	"os"
	"testing"

	"lenet/metrics"
)

func progressLine(epoch, images int) string {
	return fmt.Sprintf(`{"epoch":%d,"images":%d,"of":300,"loss":0.5,"acc":0.75,"seconds":1}`+"\n", epoch, images)
}

func TestAReaderThatFollowsARunGetsEachWholeLineOnce(t *testing.T) {
	d := made(t)
	path := d.file(progressFile)
	offset := int64(0)
	for i, step := range []struct {
		text string // what the file holds
		want []int  // images of the new lines
	}{
		{"", nil},
		{progressLine(1, 100), []int{100}},
		{progressLine(1, 100), nil},
		{progressLine(1, 100) + progressLine(1, 200) + `{"epoch":1,"ima`, []int{200}},
		{progressLine(1, 100) + progressLine(1, 200) + progressLine(1, 300), []int{300}},
		{progressLine(1, 100) + progressLine(1, 200) + progressLine(1, 300) + "no line\n" + progressLine(2, 100), []int{100}},
		{progressLine(1, 110), []int{110}},                                                   // shorter: another run's
		{progressLine(1, 9) + progressLine(1, 99) + progressLine(1, 199), []int{9, 99, 199}}, // longer, and no line ends where one did
	} {
		if i > 0 { // at first there is none
			write(t, path, step.text)
		}
		lines, end, err := d.ProgressAfter(offset)
		must(t, err)
		var images []int
		for _, p := range lines {
			images = append(images, p.Images)
		}
		if fmt.Sprint(images) != fmt.Sprint(step.want) {
			t.Errorf("reading %d: images %v, want %v", i, images, step.want)
		}
		offset = end
	}
	must(t, os.Remove(path))
	if lines, end, err := d.ProgressAfter(offset); lines != nil || end != 0 || err != nil {
		t.Errorf("removed: %v, %d (%v)", lines, end, err)
	}
}

func TestTheProgressOfEpochsThatAreDoneIsKept(t *testing.T) {
	d := made(t)
	whole := progressLine(1, 100) + progressLine(1, 300) + progressLine(2, 300)
	write(t, d.file(progressFile), whole+progressLine(3, 100)+`{"epo`)
	last, err := d.KeepProgress(2)
	if want := (metrics.Progress{Epoch: 2, Images: 300, Of: 300, Loss: 0.5, Accuracy: 0.75, Seconds: 1}); last != want || err != nil {
		t.Errorf("the last line is %+v (%v)", last, err)
	}
	if text, err := os.ReadFile(d.file(progressFile)); string(text) != whole || err != nil {
		t.Errorf("kept is %q (%v)", text, err)
	}
	if last, err := d.KeepProgress(0); last != (metrics.Progress{}) || err != nil || exists(d.file(progressFile)) {
		t.Errorf("of no epoch %+v is kept (%v)", last, err)
	}
}
