package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// An event file begins with the bytes 18 00 00 00 00 00 00 00 a3 7f 4b 22, whoever wrote it: the first event has 24 bytes.
func TestRecordsAreFramedAsTensorBoardDoes(t *testing.T) {
	if got := masked(binary.LittleEndian.AppendUint64(nil, 24)); got != 0x224b7fa3 {
		t.Errorf("the checksum of the length 24 is %#x", got)
	}
	dir := t.TempDir()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(3, map[string]float64{"loss": 0.5}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if len(files) != 1 {
		t.Fatalf("files %q", files)
	}
	file, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	// By hand: step (field 2) 3; summary (5) of one value (1): its tag (1) and its float (2).
	want, _ := hex.DecodeString("1003" + "2a0d" + "0a0b" + "0a046c6f7373" + "150000003f" + "09")
	if !bytes.Contains(file, want) || !bytes.Contains(file, []byte("\x1a\x0dbrain.Event:2")) {
		t.Errorf("the file is %x", file)
	}
	for n := 0; len(file) > 0; n++ {
		size := binary.LittleEndian.Uint64(file)
		if binary.LittleEndian.Uint32(file[8:]) != masked(file[:8]) || binary.LittleEndian.Uint32(file[12+size:]) != masked(file[12:12+size]) {
			t.Errorf("record %d has other checksums", n)
		}
		file = file[16+size:]
	}
}
