package hdf5

import (
	"math"
	"slices"
	"strings"
)

// LinkKind is where a link leads.
type LinkKind uint8

const (
	// Hard is a link to an object of the file.
	Hard LinkKind = iota
	// Soft is a link to a path of the file, which may not exist.
	Soft
	// External is a link to another file. It is listed, and never followed.
	External
	// UserDefined is a link that only its writer knows to follow.
	UserDefined
)

// Link is a name in a group.
type Link struct {
	Name string
	Kind LinkKind
	// Target is the path that a soft link leads to.
	Target string

	address uint64
	order   int64
}

// orderLinks sorts links by creation, where the group tracks that, or else by name; no name may occur twice.
func orderLinks(links []Link, offset int64) error {
	slices.SortFunc(links, func(a, b Link) int { return strings.Compare(a.Name, b.Name) })
	ordered := true
	for i := range links {
		if i > 0 && links[i].Name == links[i-1].Name {
			return fault(Malformed, offset, "two links named %s in a group", printable(links[i].Name))
		}
		ordered = ordered && links[i].order != unorderedMessage
	}
	if ordered {
		slices.SortStableFunc(links, func(a, b Link) int {
			switch {
			case a.order < b.order:
				return -1
			case a.order > b.order:
				return 1
			default:
				return 0
			}
		})
	}
	return nil
}

// readLinks gathers a group's links from wherever it keeps them.
func (f *File) readLinks(o *object) ([]Link, error) {
	var links []Link
	for i := range o.messages {
		m := &o.messages[i]
		switch m.kind {
		case messageLink:
			link, err := f.readLink(m.reader())
			if err != nil {
				return nil, err
			}
			links = append(links, link)
		case messageSymbolTable:
			stored, err := f.symbolTable(m.reader())
			if err != nil {
				return nil, err
			}
			links = append(links, stored...)
		case messageLinkInfo:
			stored, err := f.denseLinks(m.reader())
			if err != nil {
				return nil, err
			}
			links = append(links, stored...)
		}
	}
	return links, orderLinks(links, o.offset)
}

// readLink reads a link message (specification IV.A.2.g).
func (f *File) readLink(c *cursor) (Link, error) {
	link := Link{order: unorderedMessage, address: undefined}
	version, flags := c.uint8(), c.uint8()
	if version != 1 && !c.short {
		return link, fault(Unsupported, c.offset, "a link of version %d", version)
	}
	kind := uint64(0)
	if flags&8 != 0 {
		kind = c.uint8()
	}
	if flags&4 != 0 {
		link.order = int64(c.uint64() & math.MaxInt64)
	}
	if flags&16 != 0 {
		c.take(1) // character set: names are taken as they are
	}
	name := c.take(c.uint(1 << (flags & 3)))
	link.Name = string(name)
	switch kind {
	case 0:
		link.address = c.address()
	case 1:
		link.Kind, link.Target = Soft, string(c.take(c.uint16()))
	case 64:
		link.Kind = External
	default:
		link.Kind = UserDefined
	}
	if err := c.check("a link"); err != nil {
		return link, err
	}
	if link.Name == "" || strings.ContainsRune(link.Name, '/') {
		return link, fault(Malformed, c.offset, "a link named %q", link.Name)
	}
	return link, f.meter.charge(c.offset, uint64(len(name)+blockOverhead))
}

// symbolTable reads the links of a group in the old style: a tree of nodes of symbol table entries, whose names are in a
// local heap (specification III.A.1, III.B, III.C).
func (f *File) symbolTable(c *cursor) ([]Link, error) {
	tree, heapAddress := c.address(), c.address()
	if err := c.check("a symbol table message"); err != nil {
		return nil, err
	}
	heap, err := f.localHeap(heapAddress)
	if err != nil {
		return nil, err
	}
	var links []Link
	err = f.walkTree1(f.meter, tree, groupTree(f.widths), func(_ *cursor, child uint64) error {
		found, err := f.symbolNode(child, heap)
		links = append(links, found...)
		return err
	})
	return links, err
}

// symbolNode reads one node of symbol table entries.
func (f *File) symbolNode(address uint64, heap *cursor) ([]Link, error) {
	const what = "a symbol table node"
	c, err := f.block(f.meter, address, 8, what)
	if err != nil {
		return nil, err
	}
	if !c.signature("SNOD") || c.uint8() != 1 {
		return nil, fault(Malformed, c.offset, "there is no symbol table node of version 1")
	}
	c.take(1)
	n := c.uint16()
	size := uint64(f.widths.length + f.widths.address + 4 + 4 + 16)
	if c, err = f.block(f.meter, address+8, n*size, what); err != nil {
		return nil, err
	}
	links := make([]Link, n)
	for i := range links {
		link := &links[i]
		link.order = unorderedMessage
		entry := c.sub(size)
		// The offset of the name has the size of lengths in the library, and of addresses in the specification; nobody has
		// files where the two differ.
		if link.Name, err = f.nameAt(heap, entry.length()); err != nil {
			return nil, err
		}
		link.address = entry.address()
		cached := entry.uint32()
		entry.take(4)
		const softLink = 2
		if cached == softLink {
			link.Kind, link.address = Soft, undefined
			if link.Target, err = f.nameAt(heap, entry.uint32()); err != nil {
				return nil, err
			}
		}
		if link.Name == "" || strings.ContainsRune(link.Name, '/') {
			return nil, fault(Malformed, entry.offset, "a link named %q", link.Name)
		}
	}
	return links, f.meter.charge(c.offset, n*blockOverhead)
}

// denseStorage reads where an object keeps its links or attributes: the fractal heap that they are in, nil where there are
// none, and the tree of their names. tracked says that the order of their creation is kept, whose highest index, of so
// many bytes, stands between.
func (f *File) denseStorage(c *cursor, what string, indexBytes uint64) (heap *fractal, names uint64, tracked bool, err error) {
	version, flags := c.uint8(), c.uint8()
	if version != 0 && !c.short {
		return nil, 0, false, fault(Unsupported, c.offset, "%s of version %d", what, version)
	}
	if tracked = flags&1 != 0; tracked {
		c.take(indexBytes)
	}
	heapAddress, names := c.address(), c.address()
	if err := c.check(what); err != nil || heapAddress == undefined {
		return nil, 0, tracked, err
	}
	heap, err = f.fractalHeap(heapAddress)
	return heap, names, tracked, err
}

// denseLinks reads the links that a group in the new style keeps in a fractal heap, as many groups do from nine links
// on (specification IV.A.2.c).
func (f *File) denseLinks(c *cursor) ([]Link, error) {
	const creationIndexBytes = 8
	heap, names, _, err := f.denseStorage(c, "link information", creationIndexBytes)
	if err != nil || heap == nil {
		return nil, err
	}
	var links []Link
	const hashBytes = 4
	err = f.walkTree2(f.meter, names, treeOfLinkNames, func(record *cursor) error {
		record.take(hashBytes)
		c, err := heap.object(record)
		if err != nil {
			return err
		}
		link, err := f.readLink(c)
		links = append(links, link)
		return err
	})
	return links, err
}
