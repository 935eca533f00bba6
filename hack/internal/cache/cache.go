// Package cache says where the development tools keep what they build outside the tree, and keeps two runs of them apart.
// Nothing here knows what is in the cache.
package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const lockPoll = 200 * time.Millisecond

// Dir is the cache's directory: $CTR_OPERATOR_CACHE, or ctr-operator below the user's cache directory.
func Dir() (string, error) {
	if dir := os.Getenv("CTR_OPERATOR_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache directory (set CTR_OPERATOR_CACHE to name one): %w", err)
	}
	return filepath.Join(base, "ctr-operator"), nil
}

// Lock takes the file lock at path and returns what releases it. Where another process holds it, onWait is called once and
// Lock waits until the lock is free or ctx ends.
func Lock(ctx context.Context, path string, onWait func()) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	// Close-on-exec, which os sets, matters: a daemon that inherited the descriptor would hold the lock for ever.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for waited := false; ; waited = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		if !waited {
			onWait()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-time.After(lockPoll):
		}
	}
}
