package predict

import (
	"encoding/binary"
	"math"

	"lenet/model"
	"lenet/picture"
)

// A Description is all that another program needs to compute a network: web/network.js, for one.
type Description struct {
	model.Spec
	Names   []string      `json:"names"`   // of the classes, in the order of the logits
	Frame   picture.Frame `json:"frame"`   // how pictures are to be prepared
	Weights []byte        `json:"weights"` // of all parameters in the order of [model.LeNet.Parameters], float32, little endian; JSON has base64
}

// Describe returns the network's description.
func (n *Network) Describe() (*Description, error) {
	d := &Description{Spec: n.Spec, Names: n.ClassNames(), Frame: n.Frame()}
	for _, p := range n.Parameters() {
		values, err := p.Values()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			d.Weights = binary.LittleEndian.AppendUint32(d.Weights, math.Float32bits(v))
		}
	}
	return d, nil
}
