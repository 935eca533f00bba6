package tensor

import (
	"os"
	"syscall"
	"unsafe"
)

// hugePage is how large the pages are that the kernel gives on advice, and least from how many bytes on it is asked for them.
const (
	hugePage = 2 << 20
	least    = 4 * hugePage
)

// inLargePages asks the kernel to back memory that has not been touched yet with large pages: it is there sooner, and a
// lookup somewhere in a large table then misses one cache instead of two. The kernel may be of another opinion.
func inLargePages[T any](s []T) {
	if len(s) == 0 {
		return
	}
	size := len(s) * int(unsafe.Sizeof(s[0]))
	if size < least {
		return
	}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), size) //nolint:gosec // the bytes of s, no more
	// Advice is for whole pages.
	page := os.Getpagesize()
	before := -int(uintptr(unsafe.Pointer(&memory[0]))) & (page - 1) //nolint:gosec // only its remainder counts
	whole := (size - before) / page * page
	_ = syscall.Madvise(memory[before:before+whole], syscall.MADV_HUGEPAGE)
}
