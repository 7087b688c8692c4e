package model

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// A ForeignError says that a file is in a format that is not safetensors.
type ForeignError struct {
	Path    string
	Format  string // as "a PyTorch checkpoint"
	Weights bool   // it may hold weights
	Python  string // a program that converts it, without apostrophes, so that a shell takes it between two; empty: there is none of one line
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("model: %s: it is %s, and weights are read from safetensors files", e.Path, e.Format)
}

// Python that converts files to safetensors. The first %q is the file, the second the one to write.
const (
	fromPyTorch = `import torch; from safetensors.torch import save_file; d = torch.load(%q, "cpu", weights_only=True); d = d.get("state_dict", d); ` +
		`save_file({k: v.contiguous() for k, v in d.items()}, %q)`
	fromTorchScript = `import torch; from safetensors.torch import save_file; d = torch.jit.load(%q, "cpu").state_dict(); ` +
		`save_file({k: v.contiguous() for k, v in d.items()}, %q)`
	fromONNX = `import onnx, onnx.numpy_helper; from safetensors.numpy import save_file; m = onnx.load(%q); ` +
		`save_file({t.name: onnx.numpy_helper.to_array(t).copy() for t in m.graph.initializer}, %q, {p.key: p.value for p in m.metadata_props})`
)

// foreign returns a [ForeignError] for a file that does not begin as safetensors files do: with the length of a header, 8 bytes, and a brace.
func foreign(path string, file []byte) error {
	if len(file) > 8 && file[8] == '{' && binary.LittleEndian.Uint64(file) <= maxFile {
		return nil
	}
	e := &ForeignError{Path: path, Weights: true}
	var python string
	if e.Format, python = weightsFormat(file); e.Format == "" {
		e.Format, e.Weights = otherFormat(file), false
	}
	if python != "" {
		e.Python = fmt.Sprintf(python, path, strings.TrimSuffix(path, filepath.Ext(path))+".safetensors")
		e.Python = strings.ReplaceAll(e.Python, "'", `\x27`) // of the paths
	}
	return e
}

// weightsFormat returns the name of a format that weights are saved in, and Python to convert it, by a file's first bytes. Both are empty for others.
func weightsFormat(file []byte) (name, python string) {
	begins := func(magic string) bool { return bytes.HasPrefix(file, []byte(magic)) }
	switch {
	case begins("PK\x03\x04"):
		return formatOfZip(file)
	case len(file) > 1 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5:
		return "a Python pickle, as an old PyTorch saves checkpoints", fromPyTorch
	case begins("GGUF"):
		return "a GGUF file", ""
	case begins("\x89HDF\r\n\x1a\n"):
		return "an HDF5 file, as Keras saves", ""
	case begins("\x93NUMPY"):
		return "a NumPy array", ""
	// ModelProto's first field is the version of its format; the second one the producer, the domain, or the graph.
	case len(file) > 2 && file[0] == 0x08 && file[1] < 0x20 && slices.Contains([]byte{0x12, 0x1a, 0x22, 0x3a, 0x42}, file[2]):
		return "an ONNX model", fromONNX
	}
	return "", ""
}

// formatOfZip is formatOf for a zip archive: PyTorch's have a pickle in them.
func formatOfZip(file []byte) (name, python string) {
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return "a zip archive that is not whole, as of a PyTorch checkpoint", ""
	}
	has := func(suffix string) bool {
		return slices.ContainsFunc(archive.File, func(f *zip.File) bool { return strings.HasSuffix("/"+f.Name, suffix) })
	}
	switch {
	case has("/constants.pkl"):
		return "a TorchScript model", fromTorchScript
	case has("/data.pkl"):
		return "a PyTorch checkpoint", fromPyTorch
	case has(".npy"):
		return "a NumPy archive", ""
	}
	return "a zip archive", ""
}

// otherFormat says what a file is that holds no weights.
func otherFormat(file []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(file), ";") // by its first 512 bytes
	text, start := utf8.Valid(file), string(bytes.TrimSpace(file[:min(len(file), 512)]))
	switch {
	case len(file) == 0:
		return "empty"
	case bytes.HasPrefix(file, []byte("version https://git-lfs.")):
		return "a Git LFS pointer, in place of the file that git lfs pull fetches"
	case strings.HasPrefix(kind, "image/"):
		return "a picture (" + kind + ")"
	case kind == "text/html":
		return "an HTML page"
	case text && (strings.HasPrefix(start, "{") || strings.HasPrefix(start, "[")):
		return "JSON"
	case text && kind == "text/plain":
		return "text"
	case kind == "application/octet-stream":
		return "of a format that is not known"
	}
	return "of the type " + kind
}
