package hdf5

import "bytes"

const magic = "\x89HDF\r\n\x1a\n"

// firstUserBlock is the smallest size of a user block before the superblock; it doubles from there.
const firstUserBlock = 512

// IsHDF5 says whether data, a file's first bytes, begins like an HDF5 file without a user block.
func IsHDF5(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// superblock finds and reads the superblock (specification II.A), and returns the address of the root group's header.
func (f *File) superblock() (uint64, error) {
	start, err := f.findSuperblock()
	if err != nil {
		return 0, err
	}
	// The longest superblock is one of version 1 with 8-byte addresses; a file may end with a shorter one.
	const longest = 8 + 20 + 4*8 + 40
	f.base = start
	c, err := f.block(f.meter, 0, uint64(min(longest, f.size-start)), "the superblock")
	if err != nil {
		return 0, err
	}
	c.take(uint64(len(magic)))
	switch version := c.uint8(); {
	case c.short:
		return 0, fault(Truncated, start, "the superblock ends too early")
	case version <= 1:
		return f.oldSuperblock(c, version)
	case version <= 3:
		return f.newSuperblock(c)
	default:
		return 0, fault(Unsupported, start, "a superblock of version %d", version)
	}
}

func (f *File) findSuperblock() (int64, error) {
	if f.size == 0 {
		return 0, fault(Truncated, 0, "the file is empty")
	}
	var found [len(magic)]byte
	for start := int64(0); start <= f.size-int64(len(magic)); start = max(2*start, firstUserBlock) {
		if err := f.read(found[:], uint64(start)); err != nil {
			return 0, err
		}
		if string(found[:]) == magic {
			return start, nil
		}
	}
	return 0, fault(NotHDF5, 0, "there is no superblock at byte 0, 512, or a doubling of that")
}

// setWidths believes sizes of addresses and lengths that this reader can hold.
func (f *File) setWidths(c *cursor, address, length uint64) error {
	for _, width := range []uint64{address, length} {
		if width != 2 && width != 4 && width != 8 {
			return fault(Unsupported, c.offset, "addresses of %d bytes and lengths of %d", address, length)
		}
	}
	f.widths = widths{address: int(address), length: int(length)}
	c.widths = f.widths
	return nil
}

// oldSuperblock reads versions 0 and 1.
func (f *File) oldSuperblock(c *cursor, version uint64) (uint64, error) {
	c.take(4) // versions of the free space, of the root's entry and of shared headers; reserved
	if err := f.setWidths(c, c.uint8(), c.uint8()); err != nil && !c.short {
		return 0, err
	}
	c.take(1 + 4 + 4) // reserved, ranks of group trees, flags
	if version == 1 {
		c.take(4) // rank of chunk trees, reserved
	}
	base := c.address()
	c.address() // free space
	end := c.address()
	c.address() // driver information
	c.length()  // the root's entry: offset of its name
	root := c.address()
	if c.short {
		return 0, fault(Truncated, f.base, "the superblock ends too early")
	}
	return root, f.checkEnd(base, end)
}

// newSuperblock reads versions 2 and 3.
func (f *File) newSuperblock(c *cursor) (uint64, error) {
	if err := f.setWidths(c, c.uint8(), c.uint8()); err != nil && !c.short {
		return 0, err
	}
	c.take(1) // flags
	base := c.address()
	c.address() // extension
	end := c.address()
	root := c.address()
	c.take(4)
	if c.short {
		return 0, fault(Truncated, f.base, "the superblock ends too early")
	}
	c.data = c.data[:c.at]
	if err := f.verify(c, "the superblock"); err != nil {
		return 0, err
	}
	return root, f.checkEnd(base, end)
}

// checkEnd compares the file's size with the superblock's end-of-file address, which counts from the file's first byte.
// Where a user block was added or removed later, the superblock is not where it says, and the end has moved with it.
func (f *File) checkEnd(base, end uint64) error {
	if end == undefined || base == undefined || base > end {
		return fault(Malformed, f.base, "the superblock says that the file begins at %#x and ends at %#x", base, end)
	}
	if end-base > uint64(f.size-f.base) {
		return fault(Truncated, f.base, "the file has %d bytes from its superblock on, and should have %d", f.size-f.base, end-base)
	}
	return nil
}
