package serve

import (
	"bytes"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

// limitMemory tells the garbage collector about the container's memory limit, unless GOMEMLIMIT has done so: it then
// works harder before it lets the container be killed.
func limitMemory(log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if limit, ok := goLimit(content); ok {
			debug.SetMemoryLimit(limit)
			log.Debug("memory limit", "bytes", limit, "from", path)
		}
		return
	}
}

// garbage is how much of it may gather, at least, before the collector runs. A small model's heap would otherwise be
// collected dozens of times a second under load.
const garbage = 16 << 20

// relaxCollector sets the collector's pace by what the loaded model keeps, unless GOGC has done so.
func relaxCollector(log *slog.Logger) {
	if os.Getenv("GOGC") != "" {
		return
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	percent := gcPercent(stats.HeapAlloc)
	debug.SetGCPercent(percent)
	log.Debug("garbage collection", "percent", percent, "live", stats.HeapAlloc)
}

// gcPercent is the growth, in per cent of so many live bytes, after which the collector runs: Go's own 100, and more
// where that would be less than garbage.
func gcPercent(live uint64) int {
	const usual, least = 100, 1 << 20 // below the least, a heap is as good as empty
	return int(max(usual, garbage*100/max(live, least)))
}

// goLimit is nine tenths of a cgroup's limit; ok is false where there is none.
func goLimit(content []byte) (limit int64, ok bool) {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(content)), 10, 64)
	// cgroup v1 says "no limit" with a number near the largest.
	if err != nil || n <= 0 || n > math.MaxInt64/2 {
		return 0, false
	}
	return n / 10 * 9, true
}
