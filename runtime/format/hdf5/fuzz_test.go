package hdf5

import (
	"errors"
	"testing"
)

// FuzzRead holds the reader to what its documentation promises about any input: what can be reached can be read, or
// there is an *Error within the input.
func FuzzRead(f *testing.F) {
	// The fuzzer is much slower with long inputs.
	const longest = 20_000
	for _, name := range fixtures(f) {
		if data := fixture(f, name); len(data) <= longest {
			f.Add(data)
		}
	}
	for _, file := range hostile(f) {
		f.Add(file.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4*longest {
			t.Skip("longer inputs only take longer")
		}
		err := readUnverified(t.Context(), data)
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Offset < 0 || failure.Offset > int64(len(data))) {
			t.Fatalf("%#v is not an Error within the input", err)
		}
	})
}
