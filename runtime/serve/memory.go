package serve

import (
	"bytes"
	"log/slog"
	"math"
	"os"
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

// goLimit is nine tenths of a cgroup's limit; ok is false where there is none.
func goLimit(content []byte) (limit int64, ok bool) {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(content)), 10, 64)
	// cgroup v1 says "no limit" with a number near the largest.
	if err != nil || n <= 0 || n > math.MaxInt64/2 {
		return 0, false
	}
	return n / 10 * 9, true
}
