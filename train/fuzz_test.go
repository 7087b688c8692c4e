package train

import (
	"encoding/binary"
	"reflect"
	"testing"

	"lenet/badfile"
	"lenet/statedict"
)

// FuzzCheckpoint reads a checkpoint. One that is accepted is written and read again as the same.
func FuzzCheckpoint(f *testing.F) {
	f.Fuzz(func(t *testing.T, file []byte) {
		bound := badfile.Bound{Times: 6, Plus: 16 << 20} // of which most are the options' defaults
		if len(file) >= 8 {                              // the header is JSON in JSON
			bound.Plus += 400 * int(min(binary.LittleEndian.Uint64(file), uint64(len(file))))
		}
		var c *Checkpoint
		var err error
		bound.Hold(t, len(file), func() {
			if c, err = decodeCheckpoint(file); err != nil { // as most have a wrong checksum: on without it
				var tensors map[string]statedict.Tensor
				var metadata map[string]string
				if tensors, metadata, err = statedict.Decode(file, longestHeader); err == nil {
					c, err = newCheckpoint(tensors, metadata)
				}
			}
		})
		if err != nil {
			if n := len(err.Error()); n > 10_000 {
				t.Fatalf("an error of %d bytes: %.300v", n, err)
			}
			return
		}
		if c.Batches < 0 || c.Batches > c.Steps || !(c.Seconds >= 0) {
			t.Fatalf("accepted: %+v", c.State)
		}
		for i, e := range c.Epochs {
			if e.Number != i+1 {
				t.Fatalf("epoch %d after %d others", e.Number, i)
			}
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		d, err := decodeCheckpoint(again)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(d.State, c.State) || !reflect.DeepEqual(d.Epochs, c.Epochs) {
			t.Fatalf("written and read again: %+v, was %+v", d, c)
		}
	})
}
