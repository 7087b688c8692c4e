package runs

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"

	"lenet/torchx"
)

// Provenance is what config.json holds beside the options: when a run began, and with which software.
type Provenance struct {
	Started  time.Time `json:"started"`
	Versions Versions  `json:"versions"`
}

// Versions name the software and the processor of a run.
type Versions struct {
	Lenet         string `json:"lenet"`
	Libtorch      string `json:"libtorch"`
	Gotorch       string `json:"gotorch"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	CPUCapability string `json:"cpu_capability"`
}

// NewVersions returns the versions of this process, with lenet as its own.
func NewVersions(lenet string) Versions {
	return Versions{
		Lenet:         lenet,
		Libtorch:      torchx.LibtorchVersion(),
		Gotorch:       torchx.GotorchVersion(),
		Go:            runtime.Version(),
		Platform:      runtime.GOOS + "/" + runtime.GOARCH,
		CPUCapability: torchx.CPUCapability(),
	}
}

// Differences returns in words what these versions and those of now differ in.
func (v Versions) Differences(now Versions) (differences []string) {
	for _, part := range []struct{ name, then, now string }{
		{"lenet", v.Lenet, now.Lenet}, {"libtorch", v.Libtorch, now.Libtorch}, {"gotorch", v.Gotorch, now.Gotorch},
		{"platform", v.Platform, now.Platform}, {"processor", v.CPUCapability, now.CPUCapability},
	} {
		if part.then != part.now {
			differences = append(differences, fmt.Sprintf("%s %s, and this is %s", part.name, part.then, part.now))
		}
	}
	return differences
}

// WriteConfig writes the options.
func (d Dir) WriteConfig(config any) error {
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	return WriteFile(d.file(configFile), append(text, '\n'))
}

// ReadConfig sets config, a pointer to a struct, to the folder's options. What the file lacks stays as it was.
//
// Errors: [fs.ErrNotExist] where the folder or its options are missing.
func (d Dir) ReadConfig(config any) error { return ReadConfig(d.file(configFile), config) }

// ReadConfig is [Dir.ReadConfig] for a file under any name.
func ReadConfig(path string, config any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("runs: no run or sweep: %w", err)
	}
	if err := json.Unmarshal(text, config); err != nil {
		return fmt.Errorf("runs: %s does not hold the options of a run: %w", path, err)
	}
	return nil
}
