package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/renameio/v2"

	"lenet/torchx"
)

// The files of a run folder.
const (
	ConfigFile  = "config.json"
	MetricsFile = "metrics.jsonl"
	WeightsFile = "model.safetensors"
)

// A Config is what config.json holds: all that is needed to repeat a run.
type Config struct {
	Options
	Started  time.Time `json:"started"`
	Versions Versions  `json:"versions"`
}

// ReadConfig returns the settings of the run in a folder. Where the folder or its settings are missing, the error is [fs.ErrNotExist].
func ReadConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, ConfigFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("train: no run: %w", err)
	}
	var c Config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("train: %s is not a run's: %w", path, err)
	}
	return &c, nil
}

// ReadMetrics returns the metrics of the run in a folder, epoch by epoch.
func ReadMetrics(dir string) ([]Metrics, error) {
	path := filepath.Join(dir, MetricsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("train: no run: %w", err)
	}
	var all []Metrics
	for line := range bytes.Lines(text) {
		var m Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, fmt.Errorf("train: %s, line %d: %w", path, len(all)+1, err)
		}
		all = append(all, m)
	}
	return all, nil
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

// NewVersions returns the versions of this process, with its own as the program's.
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

// Metrics are what an epoch reports, and a line of metrics.jsonl. Losses are means over images; accuracies are 0 to 1.
type Metrics struct {
	Epoch         int     `json:"epoch"` // from 1
	Loss          float64 `json:"loss"`
	TrainAccuracy float64 `json:"train_acc"`
	TestLoss      float64 `json:"test_loss"`
	TestAccuracy  float64 `json:"test_acc"`

	ValidationLoss     float64 `json:"val_loss,omitempty"` // where there are images to validate with
	ValidationAccuracy float64 `json:"val_acc,omitempty"`

	TrainSeconds    float64 `json:"train_seconds"`
	EvalSeconds     float64 `json:"eval_seconds"`
	ImagesPerSecond float64 `json:"images_per_second"` // while training
}

// chosenBy returns the accuracy that decides which epoch is best.
func (m Metrics) chosenBy() float64 {
	if m.ValidationLoss != 0 {
		return m.ValidationAccuracy
	}
	return m.TestAccuracy
}

// A folder is a run's place on disk.
type folder string

// makeFolder makes the run's folder and its config.json. Unless it may overwrite, a folder that holds a run is an error. A
// path that is empty stands for a new folder below runs/, named after the time.
func makeFolder(path string, overwrite bool, config *Config) (folder, error) {
	if path == "" {
		name := filepath.Join("runs", config.Started.Format("2006-01-02T15-04-05"))
		path = name
		for i := 2; exists(path); i++ { // two runs in one second
			path = fmt.Sprintf("%s-%d", name, i)
		}
	}
	for _, name := range []string{ConfigFile, MetricsFile, WeightsFile} {
		if !overwrite && exists(filepath.Join(path, name)) {
			return "", fmt.Errorf("train: %s already holds a run's %s; give another --out, or --force to overwrite it", path, name)
		}
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return "", fmt.Errorf("train: making the run folder: %w", err)
	}
	config.Out = path
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return "", fmt.Errorf("train: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(path, ConfigFile), append(text, '\n'), 0o666); err != nil {
		return "", fmt.Errorf("train: writing the run's settings: %w", err)
	}
	for _, name := range []string{MetricsFile, WeightsFile} { // of the run that is overwritten
		if err := os.Remove(filepath.Join(path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("train: %w", err)
		}
	}
	return folder(path), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (f folder) weights() string { return filepath.Join(string(f), WeightsFile) }

// addMetrics appends a line to metrics.jsonl.
func (f folder) addMetrics(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(string(f), MetricsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err == nil {
		_, err = file.Write(append(line, '\n'))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("train: writing metrics: %w", err)
	}
	return nil
}
