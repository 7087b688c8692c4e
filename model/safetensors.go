package model

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/nlpodyssey/safetensors"
)

// What a header may hold beside its length: more than networks have, and few enough for a line that names it.
const (
	longestName = 512 // bytes
	mostDims    = 16
)

// deserialize returns the tensors of a safetensors file, views of its bytes, and its metadata. The tensors fill the file behind its header, without gaps, and none
// overlaps another; their shapes fit their bytes. Of a name that the header has twice, the last one counts.
//
// Errors: a header of more than so many bytes, which would take some hundred times as many; one that is broken, or does not fit the file.
func deserialize(file []byte, longestHeader uint64) (tensors safetensors.SafeTensors, metadata map[string]string, err error) {
	if len(file) < 8 {
		return tensors, nil, errors.New("it ends before its header")
	}
	if n := binary.LittleEndian.Uint64(file); n > longestHeader || n > uint64(len(file)-8) {
		return tensors, nil, fmt.Errorf("its header has %d bytes, of %d of the file, and may have %d", n, len(file), longestHeader)
	}
	_, header, err := safetensors.ReadMetadata(file)
	if err != nil {
		return tensors, nil, fmt.Errorf("%.200v", err.Error()) // it may hold all of the header
	}
	for name, t := range header.Tensors() {
		if len(name) > longestName || len(t.Shape) > mostDims {
			return tensors, nil, fmt.Errorf("its tensor %.64q has a name of %d bytes and %d dimensions, and may have %d and %d", name, len(name), len(t.Shape), longestName, mostDims)
		}
	}
	tensors, err = safetensors.Deserialize(file)
	return tensors, header.Metadata(), err
}
