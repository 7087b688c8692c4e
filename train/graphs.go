package train

import (
	"fmt"

	"lenet/torchx"
)

// warmUp is how many steps run eagerly before one is captured. In the first, libtorch and its libraries set themselves up, which cannot
// be captured.
const warmUp = 2

// graphs run a step as a CUDA graph: one command to the GPU in place of some dozens. The first steps of each batch size run eagerly; then one is
// captured, and from then on replayed.
type graphs struct {
	required bool                                      // a step that cannot be captured is an error, and not only slower
	capture  func(step func() error) (captured, error) // torchx.Capture
	warn     func(line string)
	off      bool // a step could not be captured
	steps    map[int]int
	captured map[int]captured
}

type captured interface {
	Replay() error
	Close()
}

func newGraphs(required bool, warn func(string)) *graphs {
	return &graphs{
		required: required,
		capture:  func(step func() error) (captured, error) { return torchx.Capture(step) },
		warn:     warn,
		steps:    map[int]int{},
		captured: map[int]captured{},
	}
}

// run executes step for a batch of n images: eagerly the first times, then by replaying its CUDA graph. step does not wait for the GPU, and finds
// each batch of n images, and all else, at the same addresses.
func (g *graphs) run(n int, step func() error) error {
	if graph := g.captured[n]; graph != nil {
		return graph.Replay()
	}
	if g.steps[n]++; g.off || g.steps[n] <= warmUp {
		return step()
	}
	graph, err := g.capture(step)
	if err != nil && g.required {
		return fmt.Errorf("train: capturing a step as a CUDA graph: %w", err)
	}
	if err != nil {
		g.off = true
		g.warn(fmt.Sprintf("warning: a step cannot be captured as a CUDA graph, and runs operation by operation: %v", err))
		return step()
	}
	g.captured[n] = graph
	return graph.Replay()
}

func (g *graphs) close() {
	for _, graph := range g.captured {
		graph.Close()
	}
}
