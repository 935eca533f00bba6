package hdf5

import (
	"bytes"
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
	small := Limits{MaxMetadata: DefaultMaxMetadata, MaxObjects: DefaultMaxObjects, MaxExpansion: 8}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4*longest {
			t.Skip("longer inputs only take longer")
		}
		file, err := open(&File{in: bytes.NewReader(data), size: int64(len(data)), limits: small, unverified: true})
		if err == nil {
			left := 200
			err = readObject(t.Context(), file.Root(), &left)
		}
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Offset < 0 || failure.Offset > int64(len(data))) {
			t.Fatalf("%#v is not an Error within the input", err)
		}
	})
}
