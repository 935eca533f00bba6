package hdf5

// tree1 is a kind of B-tree of version 1 (specification III.A.1).
type tree1 struct {
	kind uint64
	// key is the size of a key.
	key  int
	what string
}

func groupTree(w widths) tree1 { return tree1{kind: 0, key: w.length, what: "a group's tree"} }

// chunkTree has keys of a chunk's stored size, its filter mask, and its place in each dimension and within an element.
func chunkTree(rank int) tree1 {
	return tree1{kind: 1, key: 4 + 4 + 8*(rank+1), what: "a dataset's tree of chunks"}
}

// maxTreeLevel is more than any file has: trees of that depth with two children a node would not fit into it.
const maxTreeLevel = 64

// walkTree1 visits what the leaves of a tree point to, with the key before it, in the tree's order.
func (f *File) walkTree1(m *meter, address uint64, t tree1, visit func(key *cursor, child uint64) error) error {
	return f.walkNode1(m, address, t, maxTreeLevel, visit)
}

// walkNode1 visits a node, which must be of a level below the one above. That ends the recursion, whatever the addresses
// are; how often a node is visited again is for the meter to end.
func (f *File) walkNode1(m *meter, address uint64, t tree1, below uint64, visit func(*cursor, uint64) error) error {
	prefix := uint64(4 + 4 + 2*f.widths.address)
	c, err := f.block(m, address, prefix, t.what)
	if err != nil {
		return err
	}
	if !c.signature("TREE") {
		return fault(Malformed, c.offset, "there is no node of %s", t.what)
	}
	kind, level, entries := c.uint8(), c.uint8(), c.uint16()
	if kind != t.kind || level >= below {
		return fault(Malformed, c.offset, "a node of kind %d and level %d, where one of %s below level %d belongs",
			kind, level, t.what, below)
	}
	if c, err = f.block(m, address+prefix, entries*uint64(t.key+f.widths.address), t.what); err != nil {
		return err
	}
	for range entries {
		key := c.sub(uint64(t.key))
		child := c.address()
		if level > 0 {
			err = f.walkNode1(m, child, t, level, visit)
		} else {
			err = visit(key, child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
