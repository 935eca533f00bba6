package hdf5

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzRead holds the reader to what its documentation promises about any input: what can be reached can be read, or
// there is an *Error within the input.
func FuzzRead(f *testing.F) {
	for _, name := range fixtures(f) {
		f.Add(fixture(f, name))
	}
	for _, file := range hostile(f) {
		f.Add(file.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<19 {
			t.Skip("longer inputs only take longer")
		}
		err := readEverything(t.Context(), repaired(data))
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Offset < 0 || failure.Offset > int64(len(data))) {
			t.Fatalf("%#v is not an Error within the input", err)
		}
	})
}

// repaired corrects checksums, where they can be found, so that the fuzzer gets behind them.
func repaired(data []byte) []byte {
	data = bytes.Clone(data)
	seal := func(start, n int) {
		if n >= 0 && start+n+4 <= len(data) {
			copy(data[start+n:], sealed(bytes.Clone(data[start : start+n]))[n:])
		}
	}
	if bytes.HasPrefix(data, []byte(magic)) && len(data) > 44 && data[8] >= 2 {
		seal(0, 44)
	}
	for _, s := range []struct {
		signature string
		size      int
	}{{"FAHD", 24}, {"EAHD", 68}, {"BTHD", 34}, {"FRHP", 142}} {
		for at := 0; ; {
			i := bytes.Index(data[at:], []byte(s.signature))
			if i < 0 {
				break
			}
			seal(at+i, s.size)
			at += i + 4
		}
	}
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("OHDR"))
		if i < 0 || at+i+32 > len(data) {
			return data
		}
		start := at + i
		flags := data[start+5]
		n := 6
		if flags&flagTimes != 0 {
			n += 16
		}
		if flags&flagPhaseChange != 0 {
			n += 4
		}
		width := 1 << (flags & 3)
		size := 0
		for j := min(width, 2) - 1; j >= 0; j-- {
			size = size<<8 | int(data[start+n+j])
		}
		seal(start, n+width+size)
		at = start + 4
	}
}
