package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"lenet/metrics"
	"lenet/runs"
	"lenet/statedict"
	"lenet/torchx"
)

// A Checkpoint is all that a training needs to go on as if it had never stopped: to the bit, on the same kind of processor.
//
// Its file is a state dict: the weights by their names, and the optimizer's state after a prefix, as "optimizer.conv1.weight.momentum". Its
// metadata hold the rest.
type Checkpoint struct {
	Config Config
	Epochs []metrics.Epoch // the whole ones
	State
	network map[string]string // the metadata of a weights file; none in those of a sweep's trials
	path    string            // of one that was read
}

// A State is how far a [Session] is, between two steps.
type State struct {
	Steps   int           `json:"steps"`   // of the whole training
	Batches int           `json:"batches"` // of an epoch that is not whole
	Totals  torchx.Totals `json:"totals"`  // over these
	Seconds float64       `json:"seconds"` // that these took
	Data    uint32        `json:"data"`    // [dataset.Set.Checksum] of the training set
	Test    uint32        `json:"test"`    // of the test set
	tensors map[string]statedict.Tensor
}

// The keys of a checkpoint's metadata.
const (
	checkpointKey = statedict.CheckpointKey // a header
	metricsKey    = "lenet_metrics"         // the epochs, as metrics.jsonl has them
	checksumKey   = "lenet_checksum"        // SHA-256 of all else
)

// Larger files are refused unread. The header has room for the measures of 100,000 epochs.
const (
	largestCheckpoint = 4 << 30
	longestHeader     = 64 << 20
)

// checkpointVersion is raised when older programs would read a file wrongly.
const checkpointVersion = 1

type checkpointHeader struct {
	Version int    `json:"version"`
	Config  Config `json:"config"`
	State   State  `json:"state"`
}

const optimizerPrefix = "optimizer."

// Encode returns the checkpoint's file.
func (c *Checkpoint) Encode() ([]byte, error) {
	header, err := json.Marshal(checkpointHeader{checkpointVersion, c.Config, c.State})
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, e := range c.Epochs {
		if err := encoder.Encode(e); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	var tensors []statedict.Tensor
	for _, t := range c.tensors {
		tensors = append(tensors, t)
	}
	metadata := map[string]string{"format": "pt", checkpointKey: string(header), metricsKey: lines.String()}
	maps.Copy(metadata, c.network)
	metadata[checksumKey] = checksum(c.tensors, metadata)
	return statedict.Encode(tensors, metadata)
}

// checksum returns a checksum of all that a checkpoint holds, but for the checksum itself.
func checksum(tensors map[string]statedict.Tensor, metadata map[string]string) string {
	sum := sha256.New() // whose Write has no errors
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if key != checksumKey {
			fmt.Fprintf(sum, "%q %q\n", key, metadata[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t := tensors[name]
		fmt.Fprintf(sum, "%q %d\n", name, t.Shape)
		sum.Write(statedict.Bytes(t.Values))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// weights returns the weights file that belongs to the checkpoint, with moving averages where such are kept.
func (c *Checkpoint) weights() ([]byte, error) {
	var tensors []statedict.Tensor
	for name, t := range c.tensors {
		if strings.HasPrefix(name, optimizerPrefix) {
			continue
		}
		if average, ok := c.tensors[optimizerPrefix+name+".average"]; ok {
			t.Values = average.Values
		}
		tensors = append(tensors, t)
	}
	metadata := maps.Clone(c.network)
	metadata["format"] = "pt"
	return statedict.Encode(tensors, metadata)
}

// ReadCheckpoint reads a checkpoint's file.
//
// Errors: the file system's; a file that is no whole checkpoint.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	file, err := statedict.ReadFile(path, largestCheckpoint, "no checkpoint")
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	c, err := decodeCheckpoint(file)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	return c, nil
}

func decodeCheckpoint(file []byte) (*Checkpoint, error) {
	tensors, metadata, err := statedict.Decode(file, longestHeader)
	if err != nil {
		return nil, err
	}
	if metadata[checkpointKey] == "" {
		return nil, errors.New("it is no checkpoint")
	}
	if metadata[checksumKey] != checksum(tensors, metadata) {
		return nil, errors.New("it is damaged: its content has another checksum")
	}
	return newCheckpoint(tensors, metadata)
}

// newCheckpoint returns the checkpoint that a file's tensors and metadata are.
func newCheckpoint(tensors map[string]statedict.Tensor, metadata map[string]string) (*Checkpoint, error) {
	header := checkpointHeader{Config: Config{Options: Defaults()}}
	if err := json.Unmarshal([]byte(metadata[checkpointKey]), &header); err != nil {
		return nil, fmt.Errorf("it is no checkpoint: %w", err)
	}
	if header.Version != checkpointVersion {
		return nil, fmt.Errorf("its format is version %d, and this program reads version %d", header.Version, checkpointVersion)
	}
	if err := header.Config.Options.Validate(); err != nil {
		return nil, fmt.Errorf("its options: %v", err) // not an option's error: nobody gave it
	}
	c := &Checkpoint{Config: header.Config, State: header.State, network: map[string]string{}}
	c.tensors = tensors
	for key, text := range metadata {
		if !slices.Contains([]string{"format", checkpointKey, metricsKey, checksumKey}, key) {
			c.network[key] = text
		}
	}
	lines := json.NewDecoder(bytes.NewReader([]byte(metadata[metricsKey])))
	for lines.More() {
		var e metrics.Epoch
		if err := lines.Decode(&e); err != nil {
			return nil, fmt.Errorf("its measures: %w", err)
		}
		if e.Number != len(c.Epochs)+1 {
			return nil, fmt.Errorf("its measures have epoch %d after %d others", e.Number, len(c.Epochs))
		}
		c.Epochs = append(c.Epochs, e)
	}
	return c, c.check()
}

// check checks the numbers that are not compared with the session's.
func (s *State) check() error {
	for _, v := range append(s.Totals[:], s.Seconds) {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("its sums are %v, after %v seconds", s.Totals, s.Seconds)
		}
	}
	if s.Steps < 0 || s.Batches < 0 || s.Batches > s.Steps {
		return fmt.Errorf("it is after %d steps, %d of them in the last epoch", s.Steps, s.Batches)
	}
	for _, t := range s.tensors {
		for _, v := range t.Values {
			if v-v != 0 { // NaN or infinite
				return fmt.Errorf("its %s has values that are NaN or infinite", t.Name)
			}
		}
	}
	return nil
}

// readCheckpoints returns the checkpoints of a run that can be read, the newest first. log is told of those that cannot, and of those of another run: one that
// did not begin when the folder's config.json says.
//
// Errors: [NotResumableError]; there are checkpoints, and none can be read.
func readCheckpoints(dir runs.Dir, log func(string)) (all []*Checkpoint, err error) {
	if dir.IsSweep() {
		return nil, &NotResumableError{dir, true}
	}
	paths, err := dir.Checkpoints()
	if err != nil {
		return nil, &NotResumableError{Dir: dir}
	}
	var began runs.Provenance
	_ = dir.ReadConfig(&began) // a checkpoint has all options
	var damaged error
	for _, path := range paths {
		c, err := ReadCheckpoint(path)
		if err == nil && !began.Started.IsZero() && !began.Started.Equal(c.Config.Started) {
			err = fmt.Errorf("train: %s: it is another run's", path)
		}
		if err != nil {
			log("warning: " + err.Error())
			damaged = err
			continue
		}
		c.path = path
		all = append(all, c)
	}
	if len(all) == 0 && damaged != nil {
		return nil, damaged
	}
	if _, err := os.Stat(dir.Weights()); len(all) == 0 && (err == nil || began.Started.IsZero()) {
		return nil, &NotResumableError{Dir: dir} // the first checkpoint is written before weights
	}
	return all, nil
}

// ResumedConfig returns the options that [Resume] goes on with: those of the newest checkpoint, or, of a run that was stopped before its first one, those
// that it began with.
//
// Errors: [NotResumableError]; the file system's.
func ResumedConfig(dir runs.Dir, log func(string)) (*Config, error) {
	all, err := readCheckpoints(dir, log)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return &all[0].Config, nil
	}
	return ReadConfig(dir)
}

// A NotResumableError says that a folder holds nothing that [Resume] could go on with.
type NotResumableError struct {
	Dir   runs.Dir
	Sweep bool // it is a sweep's
}

func (e *NotResumableError) Error() string {
	info, err := os.Stat(string(e.Dir))
	switch {
	case e.Sweep:
		return fmt.Sprintf("train: %s is the folder of a sweep", e.Dir)
	case err != nil || e.Dir == "":
		return fmt.Sprintf("train: there is no folder %q", string(e.Dir))
	case !info.IsDir():
		return fmt.Sprintf("train: %s is a file, and no run's folder", e.Dir)
	}
	return fmt.Sprintf("train: %s has no checkpoints: it is no run's folder, that of a run of an old version, or they were removed", e.Dir)
}
