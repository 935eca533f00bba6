//go:build !linux

package kernel_test

import "testing"

// guarded are n zeros that begin and end amid others; see guard_linux_test.go.
func guarded(t *testing.T, n int) []float32 {
	t.Helper()
	return make([]float32, n+7)[3 : 3+n : 3+n]
}
