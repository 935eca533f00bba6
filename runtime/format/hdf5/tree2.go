package hdf5

import "math/bits"

// Kinds of B-trees of version 2 (specification III.A.2).
const (
	treeOfHugeObjects    = 1
	treeOfLinkNames      = 5
	treeOfAttributeNames = 8
	treeOfChunks         = 10
	treeOfFilteredChunks = 11
)

// tree2 is a B-tree of version 2.
type tree2 struct {
	file     *File
	meter    *meter
	kind     uint64
	nodeSize uint64
	record   uint64
	// records is how many records are still to come.
	records uint64
	// pointer is, for each level above the leaves, the size of a pointer to a child.
	levels []tree2Level
	visit  func(*cursor) error
}

// tree2Level is what follows from the level of a node, 0 being the leaves.
type tree2Level struct {
	// most is how many records a node has at most.
	most uint64
	// countWidth and totalWidth are how wide the counts are that point at nodes of this level.
	countWidth, totalWidth int
}

// encoded is how many bytes the format uses for numbers up to a limit.
func encoded(limit uint64) int { return max(bits.Len64(limit)-1, 0)/8 + 1 }

// walkTree2 visits the records of a tree of one of the given kinds, in its order.
func (f *File) walkTree2(m *meter, address, kind uint64, visit func(record *cursor) error) error {
	const what = "a tree's header"
	c, err := f.checked(m, address, uint64(4+1+1+4+2+2+1+1+f.widths.address+2+f.widths.length+4), what)
	if err != nil {
		return err
	}
	if !c.signature("BTHD") || c.uint8() != 0 {
		return fault(Malformed, c.offset, "there is no header of a tree of version 2")
	}
	if found := c.uint8(); found != kind {
		return fault(Malformed, c.offset, "a tree of kind %d, where one of kind %d belongs", found, kind)
	}
	t := &tree2{file: f, meter: m, kind: kind, visit: visit, nodeSize: c.uint32(), record: c.uint16()}
	depth := c.uint16()
	c.take(2) // when nodes are split and merged
	root, count := c.address(), c.uint16()
	t.records = c.length()
	if count == 0 {
		return nil
	}
	if err := t.layOut(c.offset, depth); err != nil {
		return err
	}
	return t.node(root, count, int(depth))
}

// layOut computes the sizes of all levels.
func (t *tree2) layOut(offset int64, depth uint64) error {
	// Signature, version, kind and checksum.
	const overhead = 4 + 1 + 1 + 4
	if t.record == 0 || t.nodeSize < overhead+t.record || depth > maxTreeLevel {
		return fault(Malformed, offset, "a tree of depth %d, with nodes of %d bytes and records of %d", depth, t.nodeSize, t.record)
	}
	most := (t.nodeSize - overhead) / t.record
	total := most
	width := encoded(most)
	t.levels = []tree2Level{{most: most, countWidth: width}}
	for level := range depth {
		below := &t.levels[level]
		pointer := uint64(t.file.widths.address + below.countWidth + below.totalWidth)
		if t.nodeSize < overhead+pointer {
			return fault(Malformed, offset, "a tree's nodes of %d bytes are too small", t.nodeSize)
		}
		most = (t.nodeSize - overhead - pointer) / (t.record + pointer)
		high, low := bits.Mul64(most+1, total)
		if high != 0 || low > 1<<62 {
			return fault(Malformed, offset, "a tree of depth %d, with nodes of %d bytes", depth, t.nodeSize)
		}
		total = low + most
		t.levels = append(t.levels, tree2Level{most: most, countWidth: width, totalWidth: encoded(total)})
	}
	return nil
}

// node visits a node of count records at a level.
func (t *tree2) node(address, count uint64, level int) error {
	const what = "a tree's node"
	signature, size := "BTLF", 4+1+1+count*t.record+4
	if level > 0 {
		signature = "BTIN"
		below := t.levels[level-1]
		size += (count + 1) * uint64(t.file.widths.address+below.countWidth+below.totalWidth)
	}
	if count > t.levels[level].most {
		return fault(Malformed, t.file.offset(address), "a tree's node of %d records, which has room for %d",
			count, t.levels[level].most)
	}
	c, err := t.file.checked(t.meter, address, size, what)
	if err != nil {
		return err
	}
	if !c.signature(signature) || c.uint8() != 0 || c.uint8() != t.kind {
		return fault(Malformed, c.offset, "there is no %s node of a tree of kind %d", signature, t.kind)
	}
	records := c.sub(count * t.record)
	for i := range count + 1 {
		if level > 0 {
			below := t.levels[level-1]
			child, children := c.address(), c.uint(below.countWidth)
			c.uint(below.totalWidth)
			if err := t.node(child, children, level-1); err != nil {
				return err
			}
		}
		if i == count {
			break
		}
		if t.records == 0 {
			return fault(Malformed, c.offset, "a tree has more records than its header says")
		}
		t.records--
		if err := t.visit(records.sub(t.record)); err != nil {
			return err
		}
	}
	return c.check(what)
}
