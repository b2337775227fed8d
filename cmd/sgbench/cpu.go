package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// cpuName names the processors, where Linux tells.
func cpuName() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	name, count := "unknown processor", 0
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			name, count = strings.TrimSpace(v), count+1
		}
	}
	return fmt.Sprintf("%d x %s", count, name)
}

// tick is the unit of proc(5)'s times: USER_HZ is 100 on every Linux architecture that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is the processor time that a process and its children have used, 0 where
// Linux does not tell. Unlike a rate it hardly depends on what else the machine does.
func cpuTime(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses, which may hold spaces.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	var sum time.Duration
	for _, text := range f[11:13] { // utime, stime
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * tick
	}
	kids, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return sum
	}
	for _, kid := range strings.Fields(string(kids)) {
		if n, err := strconv.Atoi(kid); err == nil {
			sum += cpuTime(n)
		}
	}
	return sum
}
