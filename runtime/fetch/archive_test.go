package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// entry is one of an archive to be made; kind is a type flag of tar, 0 a regular file.
type entry struct {
	name, body string
	kind       byte
}

func makeTar(entries ...entry) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o644, Format: tar.FormatPAX}
		switch e.kind {
		case 0:
			header.Typeflag, header.Size = tar.TypeReg, int64(len(e.body))
		case tar.TypeXGlobalHeader:
			header = &tar.Header{Typeflag: e.kind, PAXRecords: map[string]string{"comment": e.body}}
		default:
			header.Linkname = e.body
		}
		must(w.WriteHeader(header))
		if e.kind == 0 {
			_, err := w.Write([]byte(e.body))
			must(err)
		}
	}
	must(w.Close())
	return b.String()
}

func makeZip(entries ...entry) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.kind == tar.TypeSymlink {
			header.SetMode(os.ModeSymlink | 0o777)
		}
		out, err := w.CreateHeader(header)
		must(err)
		_, err = out.Write([]byte(e.body))
		must(err)
	}
	must(w.Close())
	return b.String()
}

func compress(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	must(err)
	must(w.Close())
	return b.String()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func dataURL(content string) string {
	return "data:;base64," + base64.StdEncoding.EncodeToString([]byte(content))
}

func TestArchives(t *testing.T) {
	bundle := []entry{
		{name: "model.pkl", body: "the model"},
		{name: "assets/", kind: tar.TypeDir},
		{name: "assets/vocabulary.txt", body: "人工智能"},
		{name: "._model.pkl", body: "litter"}, {name: "__MACOSX/model.pkl", body: "litter"}, {name: ".DS_Store", body: "litter"},
	}
	want := map[string]string{"model.pkl": "the model", "assets/vocabulary.txt": "人工智能"}
	nested := []entry{
		{body: "made by git", kind: tar.TypeXGlobalHeader},
		{name: "./v1/", kind: tar.TypeDir},
		{name: "./v1/model.pkl", body: "the model"},
		{name: "./v1/assets/vocabulary.txt", body: "人工智能"},
	}
	deep := entry{name: "a/b/c.pkl", body: "deep"}
	inZip := []entry{bundle[0], bundle[2], bundle[3], bundle[4], bundle[5]}
	for name, c := range map[string]struct {
		archive string
		want    map[string]string
	}{
		"tar":                   {makeTar(bundle...), want},
		"tar.gz":                {compress(makeTar(bundle...)), want},
		"zip":                   {makeZip(inZip...), want},
		"tar, one directory":    {makeTar(nested...), want},
		"tar.gz, one directory": {compress(makeTar(nested...)), want},
		"zip, one directory":    {makeZip(nested[2:]...), want},
		"only one level goes":   {makeZip(deep), map[string]string{"b/c.pkl": "deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a, err := Fetch(t.Context(), dataURL(c.archive), dir, quick(nil))
			if err != nil {
				t.Fatal(err)
			}
			wantFiles(t, a, c.want)
			if a.Digest != sum(c.archive) {
				t.Errorf("digest %s is not the archive's", a.Digest)
			}
			if n := len(readAll(t, dir)); n != len(c.want) {
				t.Errorf("%d files are left in the directory", n)
			}
		})
	}
}

// TestNoArchives has what looks like an archive, or is one, and must stay as it is.
func TestNoArchives(t *testing.T) {
	for name, body := range map[string]string{
		"short":            "PK",
		"pickle":           "\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.",
		"zeros":            strings.Repeat("\x00", 4096),
		"gzip of a pickle": compress("\x80\x04}\x94."),
		"gzip, damaged":    "\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"keras":            makeZip(entry{name: "metadata.json"}, entry{name: "config.json"}, entry{name: "model.weights.h5"}),
		"npz":              makeZip(entry{name: "coef.npy"}, entry{name: "intercept.npy"}),
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Fetch(t.Context(), dataURL(body), t.TempDir(), quick(nil))
			if err != nil {
				t.Fatal(err)
			}
			wantFiles(t, a, map[string]string{"artifact": body})
		})
	}
}

func TestHostileArchives(t *testing.T) {
	good := entry{name: "model.pkl", body: "the model"}
	zeros := strings.Repeat("\x00", 3<<20)
	random := strings.Repeat("no two of these are equal ", 1000)
	many := make([]entry, 51)
	folders := make([]entry, 51)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("f%d", i)}
		folders[i] = entry{name: fmt.Sprintf("d%d/", i), kind: tar.TypeDir}
	}
	huge := make([]entry, 6000)
	for i := range huge {
		huge[i] = entry{name: fmt.Sprintf("%0200d", i)}
	}
	damaged := []byte(makeZip(entry{name: "m", body: random}))
	damaged[40] ^= 0xff
	whole := compress(makeTar(entry{name: "m", body: random}))
	for name, c := range map[string]struct {
		archive string
		reason  contract.Reason
	}{
		"tar, parent":             {makeTar(good, entry{name: "../evil"}), contract.ReasonArtifactUnsafe},
		"tar, parent in between":  {makeTar(good, entry{name: "a/../../../evil"}), contract.ReasonArtifactUnsafe},
		"tar, parent, but inside": {makeTar(good, entry{name: "a/../evil"}), contract.ReasonArtifactUnsafe},
		"tar, absolute":           {makeTar(good, entry{name: "/tmp/evil"}), contract.ReasonArtifactUnsafe},
		"tar, backslash":          {makeTar(good, entry{name: `..\evil`}), contract.ReasonArtifactUnsafe},
		"tar, name too long":      {makeTar(good, entry{name: strings.Repeat("n", 300)}), contract.ReasonArtifactUnsafe},
		"tar, symlink":            {makeTar(good, entry{name: "evil", body: "/", kind: tar.TypeSymlink}), contract.ReasonArtifactUnsafe},
		"tar, link":               {makeTar(good, entry{name: "evil", body: "model.pkl", kind: tar.TypeLink}), contract.ReasonArtifactUnsafe},
		"tar, device":             {makeTar(good, entry{name: "evil", kind: tar.TypeChar}), contract.ReasonArtifactUnsafe},
		"tar, pipe":               {makeTar(good, entry{name: "evil", kind: tar.TypeFifo}), contract.ReasonArtifactUnsafe},
		"zip, parent":             {makeZip(good, entry{name: "../evil"}), contract.ReasonArtifactUnsafe},
		"zip, absolute":           {makeZip(good, entry{name: "/tmp/evil"}), contract.ReasonArtifactUnsafe},
		"zip, symlink":            {makeZip(good, entry{name: "evil", body: "/", kind: tar.TypeSymlink}), contract.ReasonArtifactUnsafe},
		"tar, twice":              {makeTar(good, good), contract.ReasonArtifactMalformed},
		"zip, twice":              {makeZip(good, good), contract.ReasonArtifactMalformed},
		"file and directory":      {makeTar(good, entry{name: "model.pkl/x"}), contract.ReasonArtifactMalformed},
		"tar, only directories":   {makeTar(folders[:3]...), contract.ReasonArtifactMalformed},
		"zip, empty":              {makeZip(), contract.ReasonArtifactMalformed},
		"zip, damaged":            {string(damaged), contract.ReasonArtifactMalformed},
		"zip, cut off":            {makeZip(entry{name: "m", body: random})[:100], contract.ReasonArtifactMalformed},
		"tar, cut off":            {makeTar(good, entry{name: "m", body: random})[:3000], contract.ReasonArtifactTruncated},
		"tar.gz, cut off":         {whole[:len(whole)-20], contract.ReasonArtifactTruncated},
		"tar.gz, bomb":            {compress(makeTar(good, entry{name: "m", body: zeros})), contract.ReasonArtifactTooLarge},
		"tar.gz, passed over":     {compress(makeTar(good, entry{name: "._m", body: zeros})), contract.ReasonArtifactTooLarge},
		"zip, bomb":               {makeZip(good, entry{name: "m", body: zeros}), contract.ReasonArtifactTooLarge},
		"tar, many":               {compress(makeTar(many...)), contract.ReasonArtifactTooLarge},
		"tar, many directories":   {compress(makeTar(folders...)), contract.ReasonArtifactTooLarge},
		"zip, many":               {makeZip(many...), contract.ReasonArtifactTooLarge},
		"zip, huge directory":     {makeZip(huge...), contract.ReasonArtifactTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			above := t.TempDir()
			opts := quick(nil)
			opts.MaxFiles = 50
			opts.MaxBytes = max(1<<20, int64(len(c.archive)))
			_, err := Fetch(t.Context(), dataURL(c.archive), filepath.Join(above, "in"), opts)
			wantReason(t, err, c.reason)
			var size int64
			for name, content := range readAll(t, above) {
				size += int64(len(content))
				if !strings.HasPrefix(name, "in/artifact/") && !strings.HasPrefix(name, "in/download/") {
					t.Errorf("%s was written", name)
				}
			}
			if size > 2*opts.MaxBytes {
				t.Errorf("%d bytes were written", size)
			}
		})
	}
}

// TestZipThatLies has an entry that unpacks to more than its header says.
func TestZipThatLies(t *testing.T) {
	archive := []byte(makeZip(entry{name: "m", body: strings.Repeat("\x00", 1<<20)}))
	// The size is the 4 bytes at 24 of the entry in the directory, which the reader goes by.
	directory := bytes.Index(archive, []byte("PK\x01\x02"))
	copy(archive[directory+24:], []byte{16, 0, 0, 0})
	opts := quick(nil)
	opts.MaxBytes = 64 << 10
	dir := t.TempDir()
	_, err := Fetch(t.Context(), dataURL(string(archive)), dir, opts)
	if err == nil {
		t.Error("accepted")
	}
	for name, content := range readAll(t, dir) {
		if len(content) > 64<<10 {
			t.Errorf("%s: %d bytes were written", name, len(content))
		}
	}
}

func TestUnpackingEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &fetcher{opts: Options{}.withDefaults()}
	must(f.prepare(dir))
	defer f.root.Close()
	must(os.WriteFile(filepath.Join(dir, downloadDir, "x"), []byte(makeTar(entry{name: "m", body: "x"})), 0o600))
	_, err := f.unpack(ctx, downloadDir+"/x")
	wantReason(t, err, contract.ReasonInternal, "interrupted")
}

func FuzzUnpack(f *testing.F) {
	files := []entry{{name: "v1/model.pkl", body: "the model"}, {name: "v1/a/b", body: "x"}}
	f.Add([]byte(makeTar(files...)))
	f.Add([]byte(compress(makeTar(files...))))
	f.Add([]byte(makeZip(files...)))
	f.Add([]byte(makeTar(files[0], entry{name: "../evil"}, entry{name: "l", body: "/", kind: tar.TypeSymlink})))
	f.Add([]byte("\x80\x04}\x94."))
	f.Fuzz(func(t *testing.T, archive []byte) {
		const limit = 1 << 16
		above := t.TempDir()
		x := &fetcher{opts: Options{MaxBytes: limit, MaxFiles: 20}.withDefaults()}
		must(x.prepare(filepath.Join(above, "in")))
		defer x.root.Close()
		must(x.root.WriteFile(downloadDir+"/x", archive, 0o600))
		got, err := x.unpack(t.Context(), downloadDir+"/x")
		if err != nil && asError(err).Reason == contract.ReasonInternal {
			t.Errorf("unexplained: %v", err)
		}
		var size int64
		for name, content := range readAll(t, above) {
			switch {
			case strings.HasPrefix(name, "in/artifact/"):
				size += int64(len(content))
			case name != "in/download/x":
				t.Errorf("%q was written", name)
			}
		}
		if size > limit || got != nil && (got.bytes < size || len(got.files) == 0) {
			t.Errorf("%d bytes were written, reported %+v", size, got)
		}
	})
}
