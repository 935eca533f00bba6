//go:build !amd64 || purego

package kernel

// vector are no sets: there are no vector kernels for this processor, or they were left out.
func vector() []*Set { return nil }
