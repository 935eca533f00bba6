package hdf5

import (
	"slices"
	"sync"
	"testing"
)

func TestOpenPaths(t *testing.T) {
	for _, name := range []string{"everything-earliest.h5", "everything-latest.h5"} {
		root := opened(t, fixture(t, name)).Root()
		links, err := root.Group("links")
		if err != nil {
			t.Fatal(err)
		}
		paths := map[string]Kind{
			"layer_3": 0, "/links/layer_3": 0, "./layer_3/": 0, "深度/模型": 0, "soft": 0, "/": 0, "": 0,
			"layer_99": NotFound, "dangling": NotFound, "layer_3/x": NotFound, "outside": Unsupported,
			"/types/scalar/x": Mismatch,
		}
		if name == "everything-earliest.h5" {
			paths["/types/committed"] = Unsupported
		}
		for path, want := range paths {
			if _, err := links.Open(path); KindOf(err) != want || (err == nil) != (want == 0) {
				t.Errorf("%s: %s: %v", name, path, err)
			}
		}
		if _, err := root.Group("types/scalar"); KindOf(err) != Mismatch {
			t.Errorf("a dataset as a group: %v", err)
		}
		if _, err := root.Dataset("types"); KindOf(err) != Mismatch {
			t.Errorf("a group as a dataset: %v", err)
		}
		all, err := links.Links()
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]LinkKind{}
		for _, link := range all {
			kinds[link.Name] = link.Kind
			if link.Name == "soft" && link.Target != "/links/layer_1" {
				t.Errorf("the soft link leads to %q", link.Target)
			}
		}
		if kinds["soft"] != Soft || kinds["outside"] != External || kinds["layer_1"] != Hard {
			t.Errorf("kinds of links: %v", kinds)
		}
	}
}

func TestSoftLinksInACircle(t *testing.T) {
	b := newBuilder()
	f := opened(t, b.file(b.header(softLink("x", "/y"), softLink("y", "x"))))
	if _, err := f.Root().Open("x"); KindOf(err) != Malformed {
		t.Error(err)
	}
}

func TestAttributeReaders(t *testing.T) {
	group, err := opened(t, fixture(t, "everything-earliest.h5")).Root().Group("attributes")
	if err != nil {
		t.Fatal(err)
	}
	attribute := func(name string) *Attribute {
		t.Helper()
		a, err := group.Attribute(name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if n, err := attribute("int").Int64(); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if text, err := attribute("fixed").Bytes(); string(text) != "fixed text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if names, err := attribute("no names").Strings(); len(names) != 0 || err != nil {
		t.Errorf("%q, %v", names, err)
	}
	if names, err := attribute("names").Strings(); !slices.Equal(names, []string{"layer", "layer_1", ""}) || err != nil {
		t.Errorf("%q, %v", names, err)
	}
	for what, read := range map[string]func() error{
		"several as one": func() error { _, err := attribute("names").Bytes(); return err },
		"text as number": func() error { _, err := attribute("text").Int64(); return err },
		"float as int":   func() error { _, err := attribute("float").Int64(); return err },
		"number as text": func() error { _, err := attribute("int").Strings(); return err },
	} {
		if err := read(); KindOf(err) != Mismatch {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := group.Attribute("nothing"); KindOf(err) != NotFound {
		t.Error(err)
	}
}

func TestLargeUnsignedIsNoInt64(t *testing.T) {
	root := opened(t, fixture(t, "everything-earliest.h5")).Root()
	for name, want := range map[string]Kind{"le-u8": 0, "le-f4": Mismatch, "fixed": Mismatch, "bool": 0, "enum": 0} {
		d, err := root.Dataset("types/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.ReadInt64(t.Context(), make([]int64, d.Len())); KindOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.ReadInt64(t.Context(), make([]int64, d.Len()+1)); KindOf(err) != Mismatch {
			t.Errorf("%s into a longer slice: %v", name, err)
		}
	}
}

// A type may be an object of its own, which datasets and attributes refer to.
func TestCommittedType(t *testing.T) {
	b := newBuilder()
	data := b.put(fields(uint32(0x3f800000), uint32(0x40000000)))
	address := b.header(ofFloat32())
	reference := fields(3, 2, address)
	attribute := fields(3, 1, uint16(2), uint16(len(reference)), uint16(4), 0, "a\x00", reference, 2, 0, 0, 0, uint32(0x40400000))
	typed := fields(messageDatatype, uint16(len(reference)), flagShared, reference)
	f := opened(t, b.withDataset(shape(2), typed, contiguousAt(data, 8), headerMessage(messageAttribute, attribute)))
	d, err := f.Root().Dataset("x")
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, 2)
	if err := d.ReadFloat32(t.Context(), values); err != nil || !slices.Equal(values, []float32{1, 2}) {
		t.Errorf("%v, %v", values, err)
	}
	a, err := d.Attribute("a")
	if err != nil {
		t.Fatal(err)
	}
	if values, err := a.Float64s(); err != nil || !slices.Equal(values, []float64{3}) {
		t.Errorf("%v, %v", values, err)
	}
}

// One file may be read by many at once.
func TestConcurrently(t *testing.T) {
	data := fixture(t, "everything-latest.h5")
	f := opened(t, data)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			left := 1000
			if err := readObject(t.Context(), f.Root(), &left); KindOf(err) != Unsupported {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
