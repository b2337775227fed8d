package media

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what a process may use. Zero fields are unknown.
type Machine struct {
	CPUs   float64 // processors, in parts too
	Memory int64   // bytes
}

// room is how many chunks can be made at a time: each wants a processor and workerMemory, a quarter of
// the memory being left to the rest of the process.
func (m Machine) room() int {
	n := maxWorkers
	if m.CPUs > 0 {
		n = min(n, int(m.CPUs))
	}
	if m.Memory > 0 {
		n = min(n, int(m.Memory/4*3/workerMemory))
	}
	return max(n, 1)
}

// ThisMachine is what the control groups of this process, version 1 or 2, let it use, and no more than Go and the
// machine have. What cannot be read limits nothing.
func ThisMachine() Machine {
	m := ControlGroups(os.DirFS("/"))
	if cpus := float64(runtime.GOMAXPROCS(0)); m.CPUs == 0 || cpus < m.CPUs {
		m.CPUs = cpus
	}
	return m
}

// ControlGroups reads the limits of this process below root, a Linux system's "/", and the machine's memory.
func ControlGroups(root fs.FS) Machine {
	var m Machine
	least := func(x float64) {
		if x > 0 && (m.CPUs == 0 || x < m.CPUs) {
			m.CPUs = x
		}
	}
	bound := func(n int64) {
		if n > 0 && (m.Memory == 0 || n < m.Memory) {
			m.Memory = n
		}
	}
	bound(memTotal(root))
	b, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // id, controllers, path
		if len(f) != 3 {
			continue
		}
		for _, c := range append(strings.Split(f[1], ","), f[1]) {
			switch c {
			case "":
				for _, dir := range above(root, f[2], "sys/fs/cgroup", "sys/fs/cgroup/unified") {
					least(quota2(root, dir+"/cpu.max"))
					bound(number(root, dir+"/memory.max"))
				}
			case "cpu":
				for _, dir := range above(root, f[2], "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct") {
					least(float64(number(root, dir+"/cpu.cfs_quota_us")) / float64(max(number(root, dir+"/cpu.cfs_period_us"), 1)))
				}
			case "memory":
				for _, dir := range above(root, f[2], "sys/fs/cgroup/memory") {
					bound(number(root, dir+"/memory.limit_in_bytes"))
				}
			}
		}
	}
	return m
}

// above returns the folders of a group and of the groups it is in, up to each mount. In a container the path
// may be the host's, and only the mount itself is there.
func above(root fs.FS, group string, mounts ...string) (dirs []string) {
	for _, mount := range mounts {
		if _, err := fs.Stat(root, mount); err != nil {
			continue
		}
		for g := path.Clean("/" + group); ; g = path.Dir(g) {
			dirs = append(dirs, strings.TrimSuffix(mount+g, "/"))
			if g == "/" {
				break
			}
		}
	}
	return dirs
}

// quota2 reads "50000 100000" or "max 100000".
func quota2(root fs.FS, name string) float64 {
	b, _ := fs.ReadFile(root, name)
	f := strings.Fields(string(b))
	if len(f) != 2 {
		return 0
	}
	quota, err1 := strconv.ParseFloat(f[0], 64)
	period, err2 := strconv.ParseFloat(f[1], 64)
	if err1 != nil || err2 != nil || period <= 0 {
		return 0
	}
	return quota / period
}

// number reads one positive number; 0 stands for none, also where a huge one means none.
func number(root fs.FS, name string) int64 {
	b, _ := fs.ReadFile(root, name)
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/2 {
		return 0
	}
	return n
}

func memTotal(root fs.FS) int64 {
	b, _ := fs.ReadFile(root, "proc/meminfo")
	sc := bufio.NewScanner(bytes.NewReader(b))
	for sc.Scan() {
		if f := strings.Fields(sc.Text()); len(f) >= 2 && f[0] == "MemTotal:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
