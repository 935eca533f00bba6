package oci

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func binary(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func written(t *testing.T, dir string, image Image, earlier Entry) Entry {
	t.Helper()
	entry, err := Write(dir, "image", "example/program", "", image, earlier)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func TestArchiveHoldsTheProgram(t *testing.T) {
	image := Static(binary(t, "some bytes"), "program", "1.2.3", "8501/tcp")
	entry := written(t, t.TempDir(), image, Entry{})
	tag, err := name.NewTag(entry.Ref)
	if err != nil {
		t.Fatal(err)
	}
	read, err := tarball.ImageFromPath(entry.Tar, &tag)
	if err != nil {
		t.Fatal(err)
	}
	config, err := read.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Config; c.User != "65532:65532" || len(c.Entrypoint) != 1 || c.Entrypoint[0] != "/program" ||
		c.Labels["org.opencontainers.image.version"] != "1.2.3" {
		t.Errorf("configuration %+v", c)
	}
	if _, found := config.Config.ExposedPorts["8501/tcp"]; !found {
		t.Errorf("ports %v", config.Config.ExposedPorts)
	}
	layers, err := read.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	if size, err := layers[0].Size(); err != nil || size != entry.CompressedBytes {
		t.Errorf("compressed size %d, %v; the entry says %d", size, err, entry.CompressedBytes)
	}
	stream, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	modes := checkLayer(t, stream)
	for file, mode := range map[string]int64{"program": 0o755, "etc/": 0o755, "etc/passwd": 0o644, "tmp/": 0o1777} {
		if modes[file] != mode {
			t.Errorf("%s has mode %o, want %o", file, modes[file], mode)
		}
	}
}

// checkLayer reads a layer; a folder must come before what is in it, and nothing may carry the time of its making.
func checkLayer(t *testing.T, stream io.Reader) map[string]int64 {
	t.Helper()
	modes, archive := map[string]int64{}, tar.NewReader(stream)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return modes
		}
		if err != nil {
			t.Fatal(err)
		}
		if folder, _ := filepath.Split(strings.TrimSuffix(header.Name, "/")); folder != "" && modes[folder] == 0 {
			t.Errorf("%s comes before its folder", header.Name)
		}
		if !header.ModTime.Equal(time.Unix(0, 0)) || header.Uid != 0 {
			t.Errorf("%s: time %v, user %d", header.Name, header.ModTime, header.Uid)
		}
		modes[header.Name] = header.Mode
	}
}

func TestEqualContentIsAnEqualImage(t *testing.T) {
	a := written(t, t.TempDir(), Static(binary(t, "same"), "program", "1"), Entry{})
	b := written(t, t.TempDir(), Static(binary(t, "same"), "program", "1"), Entry{})
	other := written(t, t.TempDir(), Static(binary(t, "other"), "program", "1"), Entry{})
	version := written(t, t.TempDir(), Static(binary(t, "same"), "program", "2"), Entry{})
	if a.Ref != b.Ref {
		t.Errorf("%s and %s for one content", a.Ref, b.Ref)
	}
	if a.Ref == other.Ref || a.Ref == version.Ref {
		t.Errorf("one reference for two contents: %s, %s, %s", a.Ref, other.Ref, version.Ref)
	}
	first, err := os.ReadFile(a.Tar)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b.Tar)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the archives of one content differ")
	}
}

func TestWriteKeepsWhatIsThere(t *testing.T) {
	dir, image := t.TempDir(), Static(binary(t, "bytes"), "program", "1")
	entry := written(t, dir, image, Entry{})
	mark := time.Unix(1000, 0)
	touch := func() {
		t.Helper()
		if err := os.Chtimes(entry.Tar, mark, mark); err != nil {
			t.Fatal(err)
		}
	}
	rewritten := func() bool {
		t.Helper()
		info, err := os.Stat(entry.Tar)
		if err != nil {
			t.Fatal(err)
		}
		return !info.ModTime().Equal(mark)
	}

	touch()
	if again := written(t, dir, image, entry); again != entry || rewritten() {
		t.Errorf("an equal image is written again: %+v", again)
	}
	if err := os.Remove(entry.Tar); err != nil {
		t.Fatal(err)
	}
	written(t, dir, image, entry)
	touch() // fails where the archive was not made again
	if changed := written(t, dir, Static(binary(t, "others"), "program", "1"), entry); changed == entry || !rewritten() {
		t.Errorf("a changed image is not written: %+v", changed)
	}
}

func TestIndexRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "images.json")
	empty, err := ReadIndex(file)
	if err != nil || len(empty) != 0 {
		t.Fatalf("no file: %v, %v", empty, err)
	}
	index := map[string]Entry{"runtime": {Ref: "a:b", Tar: "/x.tar", CompressedBytes: 7, Content: "c"}}
	if err := WriteIndex(file, index); err != nil {
		t.Fatal(err)
	}
	if read, err := ReadIndex(file); err != nil || read["runtime"] != index["runtime"] {
		t.Errorf("%v, %v", read, err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadIndex(file); err == nil {
		t.Error("half a file is accepted")
	}
}
