package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"lenet/train"
)

// printProfile prints the mean time of each part of an epoch.
func printProfile(s *train.Summary) {
	var total time.Duration
	for _, d := range s.Profile {
		total += d
	}
	fmt.Printf("%-10s %10s %7s\n", "part", "ms/epoch", "share")
	for i, d := range s.Profile {
		fmt.Printf("%-10s %10.1f %6.1f%%\n", train.PartNames[i], 1e3*d.Seconds()/float64(len(s.Metrics)), 100*d.Seconds()/total.Seconds())
	}
}

// startPprof writes samples of the Go code to a file until stop is called.
func startPprof(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
