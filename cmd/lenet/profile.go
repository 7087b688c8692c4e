package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"lenet/train"
)

// printProfile prints how long it took to get going, and the mean time of each part of an epoch.
func printProfile(s *train.Summary, firstStep time.Duration) {
	if firstStep > 0 {
		fmt.Printf("first step ended after %.2f s\n", firstStep.Seconds())
	}
	var total time.Duration
	for _, d := range s.Profile {
		total += d
	}
	fmt.Printf("%-10s %10s %7s\n", "part", "ms/epoch", "share")
	for i, d := range s.Profile {
		if d == 0 { // "device", on the CPU
			continue
		}
		fmt.Printf("%-10s %10.1f %6.1f%%\n", train.PartNames[i], 1e3*d.Seconds()/float64(len(s.Epochs)), 100*d.Seconds()/total.Seconds())
	}
}

// sinceStart returns how long this process has been running, to 10 ms. It knows only where there is a /proc.
func sinceStart() (time.Duration, bool) {
	stat, err := os.ReadFile("/proc/self/stat") // see proc(5)
	if err != nil {
		return 0, false
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	var start int64 // after boot, in hundredths of a second: field 22, the 20th behind the program's name in parentheses
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var up float64
	if _, err := fmt.Sscan(fields[19], &start); err != nil {
		return 0, false
	}
	if _, err := fmt.Sscan(string(uptime), &up); err != nil {
		return 0, false
	}
	return time.Duration(up*1e9) - time.Duration(start)*10*time.Millisecond, true
}

// startPprof writes samples of the Go code to a file until stop is called.
func startPprof(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("--pprof: %w", err), file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
