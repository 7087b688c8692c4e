package model

import (
	"archive/zip"
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A ForeignError says that a file holds weights in a format that is not safetensors.
type ForeignError struct {
	Path   string
	Format string // as "a PyTorch checkpoint"
	Python string // a program that converts it, without apostrophes, so that a shell takes it between two; empty: there is none of one line
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
	fromONNX = `import onnx, onnx.numpy_helper; from safetensors.numpy import save_file; ` +
		`save_file({t.name: onnx.numpy_helper.to_array(t).copy() for t in onnx.load(%q).graph.initializer}, %q)`
)

// foreign returns a [ForeignError] for a file of another format that is known, and nil for any other.
func foreign(path string, file []byte) error {
	format, python := formatOf(file)
	if format == "" {
		return nil
	}
	e := &ForeignError{Path: path, Format: format}
	if python != "" {
		e.Python = fmt.Sprintf(python, path, strings.TrimSuffix(path, filepath.Ext(path))+".safetensors")
		e.Python = strings.ReplaceAll(e.Python, "'", `\x27`) // of the paths
	}
	return e
}

// formatOf returns the name of a format that is not safetensors, and Python to convert it, by a file's first bytes. A safetensors file
// begins with the length of its header, 8 bytes, and a brace.
func formatOf(file []byte) (name, python string) {
	begins := func(magic string) bool { return bytes.HasPrefix(file, []byte(magic)) }
	switch {
	case len(file) < 9 || file[8] == '{':
	case begins("PK\x03\x04"):
		return formatOfZip(file)
	case file[0] == 0x80 && file[1] >= 2 && file[1] <= 5:
		return "a Python pickle, as an old PyTorch saves checkpoints", fromPyTorch
	case begins("GGUF"):
		return "a GGUF file", ""
	case begins("\x89HDF\r\n\x1a\n"):
		return "an HDF5 file, as Keras saves", ""
	case begins("\x93NUMPY"):
		return "a NumPy array", ""
	// ModelProto's first field is the version of its format; the second one the producer, the domain, or the graph.
	case file[0] == 0x08 && file[1] < 0x20 && slices.Contains([]byte{0x12, 0x1a, 0x22, 0x3a, 0x42}, file[2]):
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
	}
	return "a zip archive", ""
}
