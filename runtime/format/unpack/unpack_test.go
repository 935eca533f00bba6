package unpack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

const limit = 1 << 30

// containers are the same model in every container that joblib.dump offers.
func containers(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(fixtures.Path(t, "sklearn/1.9.1/container-*.joblib"))
	if err != nil || len(files) != 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "container-"), ".joblib")] = data
	}
	return all
}

func TestUnpack(t *testing.T) {
	expected := map[string]Method{
		"raw": None, "raw-protocol2": None, "raw-protocol5": None, "zlib": Zlib, "zlib-fastest": Zlib, "gzip": Gzip,
		"bz2": Bzip2, "lzma": LZMA, "xz": XZ, "lz4": LZ4,
	}
	var first []byte
	for name, data := range containers(t) {
		if method := Detect(data[:HeadLen]); method != expected[name] {
			t.Errorf("%s is taken for %s", name, method)
		}
		unpacked, err := Unpack(t.Context(), data, limit)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		head := make([]byte, 2)
		if n := Head(data, head); n != 2 || !bytes.Equal(head, unpacked[:2]) {
			t.Errorf("%s: the head is %x", name, head[:n])
		}
		if expected[name] == None {
			if !bytes.Equal(unpacked, data) {
				t.Errorf("%s is changed", name)
			}
			continue
		}
		if first == nil {
			first = unpacked
		}
		if !bytes.Equal(unpacked, first) {
			t.Errorf("%s unpacks to something else", name)
		}
	}
}

// The beginning of a large file is enough to see what is in it.
func TestHeadOfABeginning(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	data := []byte("\x80\x04")
	for len(data) < 200_000 {
		data = binary.LittleEndian.AppendUint32(data, random.Uint32()&0xffff)
	}
	for name, open := range map[string]func(io.Writer) (io.WriteCloser, error){
		"zlib": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
		"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"lzma": func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) },
		"xz":   func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
		"lz4": func(w io.Writer) (io.WriteCloser, error) {
			out := lz4.NewWriter(w)
			err := out.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
			return out, err
		},
	} {
		var out bytes.Buffer
		w, err := open(&out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := Unpack(t.Context(), out.Bytes(), limit); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		head := make([]byte, 2)
		if n := Head(out.Bytes()[:out.Len()*3/4], head); n != 2 || !bytes.Equal(head, data[:2]) {
			t.Errorf("%s: the head is %x", name, head[:n])
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	for name, data := range containers(t) {
		if strings.HasPrefix(name, "raw") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var failure *Error
			if _, err := Unpack(t.Context(), data, 100); !errors.As(err, &failure) || !failure.TooLarge {
				t.Errorf("over the limit: %v", err)
			}
			if _, err := Unpack(t.Context(), append(bytes.Clone(data), 1, 2, 3), limit); !errors.As(err, &failure) {
				t.Errorf("with three bytes more: %v", err)
			}
			for n := HeadLen; n < len(data); n += 1 + len(data)/200 {
				if _, err := Unpack(t.Context(), data[:n], limit); !errors.As(err, &failure) || !failure.Truncated {
					t.Fatalf("%d of %d bytes: %v", n, len(data), err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := Unpack(ctx, data, limit); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}

// Damage ends in a typed error or in bytes, not in a panic; what carries a checksum notices nearly all of it.
func TestUnpackDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for name, data := range containers(t) {
		refused := 0
		for range 100 {
			damaged := bytes.Clone(data)
			damaged[HeadLen+random.IntN(len(data)-HeadLen)] ^= byte(1 + random.IntN(255))
			_, err := Unpack(t.Context(), damaged, limit)
			var failure *Error
			if err != nil && !errors.As(err, &failure) {
				t.Fatalf("%s: %v is not typed", name, err)
			}
			if err != nil {
				refused++
			}
		}
		if !strings.HasPrefix(name, "raw") && name != "lzma" && name != "lz4" && refused < 95 {
			t.Errorf("%s: only %d of 100 damages are noticed", name, refused)
		}
	}
}

// allocated is how many bytes unpacking allocates, whatever comes of it.
func allocated(t *testing.T, data []byte) (uint64, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Unpack(t.Context(), data, limit)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func packed(t *testing.T, zeros int, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 1<<20)
	for range zeros >> 20 {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnpackBombs(t *testing.T) {
	small := packed(t, 48<<20, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
	for name, data := range map[string][]byte{
		"zlib, cut off": packed(t, 32<<20, func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil })[:20<<10],
		"xz":            small,
		"lz4, cut off":  packed(t, 64<<20, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil })[:1<<10],
	} {
		t.Run(name, func(t *testing.T) {
			bytes, err := allocated(t, data)
			if allowed := uint64(4 * (Ratio*len(data) + Constant)); bytes > allowed {
				t.Errorf("%d bytes allocate %d, more than %d", len(data), bytes, allowed)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("got %v, expected a refusal", err)
			}
		})
	}
}

// A header's claim about the dictionary allocates nothing.
func TestUnpackDictionaryClaims(t *testing.T) {
	all := containers(t)
	old := bytes.Clone(all["lzma"])
	binary.LittleEndian.PutUint32(old[1:], 0xffffffff)
	newer := bytes.Clone(all["xz"])
	header := newer[xzHeaderLen : xzHeaderLen+4*(int(newer[xzHeaderLen])+1)]
	header[4] = 40 // 4 GiB
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	for name, data := range map[string][]byte{"lzma": old, "xz": newer} {
		if bytes, err := allocated(t, data); err != nil || bytes > 4*(Ratio*uint64(len(data))+Constant) {
			t.Errorf("%s: %d bytes allocate %d: %v", name, len(data), bytes, err)
		}
	}
}

func TestUnpackOtherXZ(t *testing.T) {
	good := containers(t)["xz"]
	change := func(at int, value byte) []byte {
		data := bytes.Clone(good)
		data[at] = value
		header := data[xzHeaderLen : xzHeaderLen+4*(int(data[xzHeaderLen])+1)]
		binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
		return data
	}
	for name, test := range map[string]struct {
		data  []byte
		words string
	}{
		"stream flags": {change(7, 1), "stream's header"},
		"delta filter": {change(xzHeaderLen+2, 0x03), "another filter"},
		"two filters":  {change(xzHeaderLen+1, 1), "another filter"},
		"two streams":  {append(bytes.Clone(good), good...), "another stream"},
		"padding":      {append(bytes.Clone(good), 0, 0, 0, 0), "4 bytes"},
	} {
		_, err := Unpack(t.Context(), test.data, limit)
		var failure *Error
		if !errors.As(err, &failure) || failure.Truncated || !strings.Contains(failure.Message, test.words) {
			t.Errorf("%s: got %v, expected …%s…", name, err, test.words)
		}
	}
}

// FuzzUnpack: whatever the bytes, the result is bounded, or a typed error.
func FuzzUnpack(f *testing.F) {
	for _, data := range containers(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 22
		unpacked, err := Unpack(t.Context(), data, most)
		var failure *Error
		switch {
		case err != nil && !errors.As(err, &failure):
			t.Fatalf("%#v is not typed", err)
		case err == nil && len(unpacked) > max(most, len(data)):
			t.Fatalf("%d bytes", len(unpacked))
		}
		Head(data, make([]byte, 2))
	})
}
