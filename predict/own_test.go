package predict_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestDump is for looking at them.
func TestDump(t *testing.T) {
	dir := os.Getenv("DUMP")
	if dir == "" {
		t.Skip()
	}
	var group sync.WaitGroup
	for i := range kinds {
		group.Go(func() {
			for j, d := range drawings(t, i) {
				ext := "png"
				if bytes.HasPrefix(d.file, []byte("\xff\xd8")) {
					ext = "jpg"
				}
				os.WriteFile(filepath.Join(dir, fmt.Sprintf("k%02d-%02d_%d.%s", i, j, d.digit, ext)), d.file, 0o666)
			}
		})
	}
	group.Wait()
}
