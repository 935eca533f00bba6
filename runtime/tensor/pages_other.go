//go:build !linux

package tensor

// inLargePages asks the kernel for large pages, where there is a way to.
func inLargePages[T any]([]T) {}
