package compute

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// The folders are as Linux has them: /proc/self/cgroup, and the groups' files below /sys/fs/cgroup.
func TestThreadsFollowTheQuota(t *testing.T) {
	v1 := func(group, quota string) map[string]string {
		return map[string]string{"sys/fs/cgroup/" + group + "/cpu.cfs_quota_us": quota + "\n", "sys/fs/cgroup/" + group + "/cpu.cfs_period_us": "100000\n"}
	}
	both := func(a, b map[string]string) map[string]string {
		for name, text := range b {
			a[name] = text
		}
		return a
	}
	const hybrid = "3:cpuset:/\n2:cpu,cpuacct:/docker/a\n0::/docker/a\n"
	for _, c := range []struct {
		name, cgroup, variable string
		files                  map[string]string
		want                   int
		why                    string
	}{
		{"nothing visible", "", "", nil, 8, "one for each CPU"},
		{"version 2", "0::/a\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "200000 100000\n"}, 2, "the control group's quota of 2 CPUs"},
		{"no quota", "0::/a\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 8, "one for each CPU"},
		{"as many as there are", "0::/a\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "800000 100000\n"}, 8, "one for each CPU"},
		{"more than there are", "0::/a\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "6400000 100000\n"}, 8, "one for each CPU"},
		{"one and a half", "0::/a\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 2, "the control group's quota of 1.5 CPUs"},
		{"half", "0::/a\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "50000 100000\n"}, 1, "the control group's quota of 0.5 CPUs"},
		{"of the group above", "0::/a/b/c\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "300000 100000\n", "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n"}, 3, "the control group's quota of 3 CPUs"},
		{"the smallest of both", "0::/a/b\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "300000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n"}, 3, "the control group's quota of 3 CPUs"},
		{"a container's own group", "0::/\n", "", map[string]string{"sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4, "the control group's quota of 4 CPUs"},
		{"a container that sees the host's name", "0::/../../docker/a\n", "", map[string]string{"sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4, "the control group's quota of 4 CPUs"},
		{"broken", "0::/a\nx\n", "", map[string]string{"sys/fs/cgroup/a/cpu.max": "many\n"}, 8, "one for each CPU"},
		{"version 1", hybrid, "", v1("cpu/docker/a", "250000"), 3, "the control group's quota of 2.5 CPUs"},
		{"version 1, by both names", hybrid, "", v1("cpu,cpuacct/docker/a", "200000"), 2, "the control group's quota of 2 CPUs"},
		{"version 1, no quota", hybrid, "", v1("cpu/docker/a", "-1"), 8, "one for each CPU"},
		{"version 1, a container's own", hybrid, "", v1("cpu", "100000"), 1, "the control group's quota of 1 CPU"},
		{"version 1 below version 2", hybrid, "", both(v1("cpu/docker/a", "400000"), map[string]string{"sys/fs/cgroup/unified/docker/cpu.max": "300000 100000"}), 3, "the control group's quota of 3 CPUs"},
		{"the variable", "0::/a\n", "1", map[string]string{"sys/fs/cgroup/a/cpu.max": "200000 100000\n"}, 1, "OMP_NUM_THREADS"},
		{"a list", "", " 3 ,2", nil, 3, "OMP_NUM_THREADS"},
		{"more than there are CPUs", "", "16", nil, 16, "OMP_NUM_THREADS"},
		{"far more than there are CPUs", "", "5000", nil, 32, "OMP_NUM_THREADS, but no more than 4 for each CPU"},
		{"0", "", "0", nil, 8, "one for each CPU"},
		{"negative", "", "-2", nil, 8, "one for each CPU"},
		{"no number", "", "all", nil, 8, "one for each CPU"},
		{"too many", "", "99999", nil, 8, "one for each CPU"},
	} {
		root := t.TempDir()
		files := map[string]string{"proc/self/cgroup": c.cgroup}
		for name, text := range both(files, c.files) {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if n, why := defaultThreads(root, c.variable, 8); n != c.want || why != c.why {
			t.Errorf("%s: %d, %q, want %d, %q", c.name, n, why, c.want, c.why)
		}
	}
	if n, why := defaultThreads(t.TempDir(), "", 8); n != 8 {
		t.Errorf("without /proc: %d, %q", n, why)
	}
}

func TestThreadsThatAreGivenWin(t *testing.T) {
	t.Setenv(threadsVariable, "3")
	for given, want := range map[int]int{0: 3, 2: 2} {
		r := Resources{Device: CPU, Threads: given}
		if err := r.Resolve(func(string) {}); err != nil || r.Threads != want {
			t.Errorf("--threads %d: %d, want %d (%v)", given, r.Threads, want, err)
		}
	}
}

func TestThreadsAreAtMostFourForEachCPU(t *testing.T) {
	most := threadsPerCPU * runtime.NumCPU()
	for given, want := range map[int]int{most: most, most + 1: most, 5000: min(most, 5000)} {
		var notices []string
		r := Resources{Device: CPU, Threads: given}
		if err := r.Resolve(func(line string) { notices = append(notices, line) }); err != nil || r.Threads != want || len(notices) > 0 != (given > want) {
			t.Errorf("--threads %d: %d, want %d; notices %q (%v)", given, r.Threads, want, notices, err)
		}
	}
}
