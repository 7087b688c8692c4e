package compute

import (
	"fmt"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// threadsVariable is OpenMP's: a number of threads, or a list of them, of which the first counts.
const threadsVariable = "OMP_NUM_THREADS"

// threadsPerCPU bounds the threads of a computation. More of them are not faster: on two CPUs, evaluating the reference
// kernels on 10,000 images takes 2 s with 8 threads and 21 s with 5000.
const threadsPerCPU = 4

// DefaultThreads returns how many threads a computation takes where nobody says it, at least 1, and why: as many as $OMP_NUM_THREADS says, or one for
// each CPU that this process may use.
//
// A control group's quota of CPU time, as `docker run --cpus` sets it, is rounded up: of a quota of 1.5, two threads use all, and one
// uses two thirds. Go's GOMAXPROCS is not asked, since it is 2 or more whatever the quota.
func DefaultThreads() (n int, why string) {
	return defaultThreads("/", os.Getenv(threadsVariable), runtime.NumCPU())
}

// defaultThreads is DefaultThreads for a root folder, a value of the variable, and a number of CPUs.
func defaultThreads(root, variable string, cpus int) (n int, why string) {
	first, _, _ := strings.Cut(variable, ",")
	if n, err := strconv.ParseInt(strings.TrimSpace(first), 10, 16); err == nil && n > 0 {
		if most := threadsPerCPU * cpus; int(n) > most {
			return most, fmt.Sprintf("%s, but no more than %d for each CPU", threadsVariable, threadsPerCPU)
		}
		return int(n), threadsVariable
	}
	if quota := cpuQuota(root); quota < float64(cpus) {
		unit := "CPUs"
		if quota == 1 {
			unit = "CPU"
		}
		return max(1, int(math.Ceil(quota))), fmt.Sprintf("the control group's quota of %.3g %s", quota, unit)
	}
	return cpus, "one for each CPU"
}

// cpuQuota returns how many CPUs' time the process's control group and those above it may use: +Inf where none has a quota, or none can be seen.
//
// /proc/self/cgroup names the group in each hierarchy, and /sys/fs/cgroup has their files: cpu.max of version 2, and cpu.cfs_quota_us and
// cpu.cfs_period_us of version 1 (https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/scheduler/sched-bwc.html).
// In a container, where the names may be the host's, the topmost group that is there is its own.
func cpuQuota(root string) float64 {
	least := math.Inf(1)
	text, err := os.ReadFile(path.Join(root, "proc/self/cgroup"))
	if err != nil {
		return least
	}
	for line := range strings.Lines(string(text)) {
		hierarchy := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, group
		if len(hierarchy) != 3 {
			continue
		}
		controllers := strings.Split(hierarchy[1], ",")
		for group := path.Clean("/" + hierarchy[2]); ; group = path.Dir(group) {
			for _, controller := range controllers {
				switch controller {
				case "": // version 2, alone or beside version 1
					least = min(least, quotaV2(path.Join(root, "sys/fs/cgroup", group)), quotaV2(path.Join(root, "sys/fs/cgroup/unified", group)))
				case "cpu":
					least = min(least, quotaV1(path.Join(root, "sys/fs/cgroup/cpu", group)), quotaV1(path.Join(root, "sys/fs/cgroup", hierarchy[1], group)))
				}
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}

// quotaV2 reads "200000 100000": microseconds of CPU time in each period; "max" is no quota.
func quotaV2(dir string) float64 {
	text, err := os.ReadFile(path.Join(dir, "cpu.max"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) != 2 {
		return math.Inf(1)
	}
	return ratio(fields[0], fields[1])
}

// quotaV1 reads two files; -1 is no quota.
func quotaV1(dir string) float64 {
	quota, err := os.ReadFile(path.Join(dir, "cpu.cfs_quota_us"))
	if err != nil {
		return math.Inf(1)
	}
	period, err := os.ReadFile(path.Join(dir, "cpu.cfs_period_us"))
	if err != nil {
		return math.Inf(1)
	}
	return ratio(string(quota), string(period))
}

// ratio returns the quotient of two positive numbers, and +Inf where one is none.
func ratio(quota, period string) float64 {
	q, err := strconv.ParseUint(strings.TrimSpace(quota), 10, 64)
	p, periodErr := strconv.ParseUint(strings.TrimSpace(period), 10, 64)
	if err != nil || periodErr != nil || q == 0 || p == 0 {
		return math.Inf(1)
	}
	return float64(q) / float64(p)
}
