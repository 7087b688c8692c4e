package serve

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"lenet/picture"
	"lenet/runs"
)

// maxDrawing is how many bytes a drawing's file has at most.
const maxDrawing = 1 << 20

// apiKeep keeps a drawing, a PNG, in the folder of drawings: in a folder of its label's name, as lenet train --data reads them. A drawing that is there
// already is kept once.
func (s *Server) apiKeep(w http.ResponseWriter, r *http.Request) error {
	body := s.limits.body(w, r)
	defer body.Close()
	file, err := io.ReadAll(io.LimitReader(body, maxDrawing+1))
	if err != nil {
		return err
	}
	if len(file) > maxDrawing {
		return &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("a drawing has at most %d MB", maxDrawing>>20)}
	}
	network, release, err := s.networks.get(r.Context(), r.URL.Query().Get("run"))
	if err != nil {
		return err
	}
	defer release()
	names := network.Description().Names
	label, err := strconv.Atoi(r.URL.Query().Get("label"))
	if err != nil || label < 0 || label >= len(names) {
		return &httpError{http.StatusBadRequest, fmt.Sprintf("label is %q and must be 0 to %d", r.URL.Query().Get("label"), len(names)-1)}
	}
	if _, err := png.DecodeConfig(bytes.NewReader(file)); err != nil {
		return &httpError{http.StatusUnprocessableEntity, fmt.Sprintf("a drawing is a PNG: %v", err)}
	}
	if _, err := s.prepare(r.Context(), picture.MNIST(28, 28), file, false); err != nil {
		return err
	}
	sum := sha256.Sum256(file)
	path := filepath.Join(s.options.Drawings, folderName(names[label]), fmt.Sprintf("%x.png", sum[:10]))
	if err := runs.WriteFile(path, file); err != nil {
		return fmt.Errorf("serve: keeping a drawing: %w", err)
	}
	writeJSON(w, http.StatusOK, map[string]string{"label": names[label], "file": path})
	return nil
}

// folderName returns a class's name as a folder's: without what would make it another path, or a hidden folder.
func folderName(class string) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '-'
		}
		return r
	}, class)
	if name == "" || name[0] == '.' {
		name = "_" + name
	}
	return name
}
