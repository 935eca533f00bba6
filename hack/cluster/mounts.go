package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// mount is one line of a mountinfo file.
type mount struct {
	point string
	kind  string
	// super are the file system's own options; for a v1 control group they name the controllers.
	super []string
}

func readMounts() ([]mount, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(content)), nil
}

// parseMounts reads mountinfo: id, parent, device, root, point, options, optional fields, "-", type, source, super options.
func parseMounts(content string) []mount {
	var mounts []mount
	for _, line := range lines(content) {
		before, after, found := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !found || len(left) < 5 || len(right) < 3 {
			continue
		}
		mounts = append(mounts, mount{point: unescapeMount(left[4]), kind: right[0], super: strings.Split(right[2], ",")})
	}
	return mounts
}

// unescapeMount undoes the kernel's octal escapes of blanks, tabs, newlines and backslashes.
func unescapeMount(point string) string {
	var plain strings.Builder
	for i := 0; i < len(point); i++ {
		if point[i] == '\\' && i+3 < len(point) {
			if code, err := strconv.ParseUint(point[i+1:i+4], 8, 8); err == nil {
				plain.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		plain.WriteByte(point[i])
	}
	return plain.String()
}

// unmountBelow unmounts everything at and below the folders, the newest mount first.
func unmountBelow(folders ...string) error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	var failed []error
	for _, mounted := range slices.Backward(mounts) {
		point := mounted.point
		for _, folder := range folders {
			if point != folder && !strings.HasPrefix(point, folder+"/") {
				continue
			}
			if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
				failed = append(failed, &os.PathError{Op: "unmount", Path: point, Err: err})
			}
		}
	}
	return errors.Join(failed...)
}

// lines splits a text into its lines that are not empty.
func lines(text string) []string {
	var found []string
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			found = append(found, line)
		}
	}
	return found
}
