package hdf5

import "sync"

// Kinds of header messages (specification IV.A.2).
const (
	messageDataspace     = 0x01
	messageLinkInfo      = 0x02
	messageDatatype      = 0x03
	messageOldFill       = 0x04
	messageFill          = 0x05
	messageLink          = 0x06
	messageExternal      = 0x07
	messageLayout        = 0x08
	messageGroupInfo     = 0x0a
	messageFilters       = 0x0b
	messageAttribute     = 0x0c
	messageContinuation  = 0x10
	messageSymbolTable   = 0x11
	messageAttributeInfo = 0x15
	// highestMessage is the last kind that is known, though not of use.
	highestMessage = 0x18
)

// Flags of header messages.
const (
	flagShared       = 1 << 1
	flagMustBeKnown  = 1 << 7
	flagTimes        = 1 << 5
	flagPhaseChange  = 1 << 4
	flagTracksOrder  = 1 << 2
	unorderedMessage = -1
)

// message is one message of an object's header.
type message struct {
	kind  uint64
	flags uint64
	// order is when it was created, or unorderedMessage.
	order int64
	body  *cursor
}

// reader is a fresh cursor over the message, so that it can be read more than once and by several.
func (m *message) reader() *cursor {
	c := *m.body
	return &c
}

// object is what an object header holds: the messages in the order of the file, and what was made from them.
type object struct {
	address  uint64
	offset   int64
	messages []message

	// mu guards what is made from the messages when it is first asked for.
	mu         sync.Mutex
	links      []Link
	linksRead  bool
	attributes []*Attribute
	attrsRead  bool
	storage    *storage
}

// find is the first message of a kind, or nil.
func (o *object) find(kind uint64) *message {
	for i := range o.messages {
		if o.messages[i].kind == kind {
			return &o.messages[i]
		}
	}
	return nil
}

func (o *object) isGroup() bool {
	return o.find(messageSymbolTable) != nil || o.find(messageLinkInfo) != nil || o.find(messageGroupInfo) != nil ||
		o.find(messageLink) != nil
}

func (o *object) isDataset() bool { return o.find(messageLayout) != nil }

// object reads the object header at an address, once.
func (f *File) object(address uint64) (*object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.objects[address]; known != nil {
		return known, nil
	}
	if len(f.objects) >= f.limits.MaxObjects {
		return nil, fault(TooLarge, f.offset(address), "more than %d objects", f.limits.MaxObjects)
	}
	o, err := f.readHeader(address)
	if err != nil {
		return nil, err
	}
	f.objects[address] = o
	return o, nil
}

// headerBlock is a piece of an object header: where it is, and how long.
type headerBlock struct{ address, size uint64 }

// headerReader gathers the messages of one header, over its continuation blocks.
type headerReader struct {
	file    *File
	object  *object
	ordered bool
	pending []headerBlock
	seen    map[uint64]bool
}

// readHeader reads an object header of either version (specification IV.A.1).
func (f *File) readHeader(address uint64) (*object, error) {
	h := &headerReader{
		file: f, object: &object{address: address, offset: f.offset(address)},
		seen: map[uint64]bool{address: true},
	}
	const prefix = 16 // of version 1; one of version 2 is never shorter
	c, err := f.block(f.meter, address, prefix, "an object header")
	if err != nil {
		return nil, err
	}
	newer := string(c.data[:4]) == "OHDR"
	if newer {
		err = h.first2(address)
	} else {
		err = h.first1(c, address)
	}
	for err == nil && len(h.pending) > 0 {
		next := h.pending[0]
		h.pending = h.pending[1:]
		err = h.continued(next, newer)
	}
	if err != nil {
		return nil, err
	}
	return h.object, nil
}

// first1 reads the prefix of version 1 and the block after it.
func (h *headerReader) first1(c *cursor, address uint64) error {
	if version := c.uint8(); version != 1 {
		return fault(Malformed, c.offset, "there is no object header, or one of version %d", version)
	}
	c.take(1 + 2 + 4) // reserved, number of messages, references
	size := c.uint32()
	block, err := h.file.block(h.file.meter, address+uint64(len(c.data)), size, "an object header's first block")
	if err != nil {
		return err
	}
	return h.messages1(block)
}

// messages1 reads the messages of a block of version 1.
func (h *headerReader) messages1(c *cursor) error {
	for c.left() >= 8 {
		kind, size, flags := c.uint16(), c.uint16(), c.uint8()
		c.take(3)
		if err := h.add(message{kind: kind, flags: flags, order: unorderedMessage, body: c.sub(size)}); err != nil {
			return err
		}
	}
	return nil
}

// first2 reads the prefix of version 2 and the block that it is part of.
func (h *headerReader) first2(address uint64) error {
	f := h.file
	const start = 4 + 1 + 1
	c, err := f.block(f.meter, address, start, "an object header")
	if err != nil {
		return err
	}
	c.take(4)
	if version := c.uint8(); version != 2 {
		return fault(Unsupported, c.offset, "an object header of version %d", version)
	}
	flags := c.uint8()
	h.ordered = flags&flagTracksOrder != 0
	extra := uint64(0)
	if flags&flagTimes != 0 {
		extra += 16
	}
	if flags&flagPhaseChange != 0 {
		extra += 4
	}
	width := 1 << (flags & 3)
	length := start + extra + uint64(width)
	if c, err = f.block(f.meter, address, length, "an object header"); err != nil {
		return err
	}
	c.take(start + extra)
	size := c.uint(width)
	if !f.within(address, size) {
		return fault(Malformed, c.offset, "an object header of %d bytes is not within the file", size)
	}
	if c, err = f.checked(f.meter, address, length+size+4, "an object header"); err != nil {
		return err
	}
	c.take(length)
	return h.messages2(c)
}

// messages2 reads the messages of a block of version 2, which may end with a gap too short for a message.
func (h *headerReader) messages2(c *cursor) error {
	prefix := 4
	if h.ordered {
		prefix += 2
	}
	for c.left() >= prefix {
		kind, size, flags, order := c.uint8(), c.uint16(), c.uint8(), int64(unorderedMessage)
		if h.ordered {
			order = int64(c.uint16())
		}
		if err := h.add(message{kind: kind, flags: flags, order: order, body: c.sub(size)}); err != nil {
			return err
		}
	}
	return nil
}

// continued reads a continuation block.
func (h *headerReader) continued(b headerBlock, newer bool) error {
	f := h.file
	const what = "a continuation of an object header"
	if h.seen[b.address] {
		return fault(Malformed, f.offset(b.address), "an object header continues where it has been")
	}
	h.seen[b.address] = true
	if !newer {
		c, err := f.block(f.meter, b.address, b.size, what)
		if err != nil {
			return err
		}
		return h.messages1(c)
	}
	c, err := f.checked(f.meter, b.address, b.size, what)
	if err != nil {
		return err
	}
	if !c.signature("OCHK") {
		return fault(Malformed, c.offset, "there is no continuation of an object header")
	}
	return h.messages2(c)
}

// add keeps a message, or notes where the header continues.
func (h *headerReader) add(m message) error {
	if m.body.short {
		return fault(Malformed, m.body.offset, "a message of an object header ends after its block")
	}
	switch {
	case m.kind == messageContinuation:
		c := m.reader()
		next := headerBlock{address: c.address(), size: c.length()}
		if err := c.check("a message that continues an object header"); err != nil {
			return err
		}
		h.pending = append(h.pending, next)
		return nil
	case m.kind > highestMessage && m.flags&flagMustBeKnown != 0:
		return fault(Unsupported, m.body.offset, "a header message of the unknown kind %#x", m.kind)
	default:
		// What is kept of a message weighs more than its bytes.
		h.object.messages = append(h.object.messages, m)
		return h.file.meter.charge(m.body.offset, blockOverhead)
	}
}

// resolve returns a cursor over a message, and follows it to another object's header where it is shared.
func (f *File) resolve(m *message) (*cursor, error) {
	c := m.reader()
	if m.flags&flagShared == 0 {
		return c, nil
	}
	return f.shared(c, m.kind)
}

// shared follows a reference to a message in another object's header, a committed datatype (specification IV.A.2,
// shared messages).
func (f *File) shared(c *cursor, kind uint64) (*cursor, error) {
	version, where := c.uint8(), c.uint8()
	switch {
	case version == 1:
		c.take(6)
	case version == 3 && where == 1:
		return nil, fault(Unsupported, c.offset, "messages shared through a heap of the file")
	}
	address := c.address()
	if err := c.check("a shared message"); err != nil {
		return nil, err
	}
	if version < 1 || version > 3 {
		return nil, fault(Unsupported, c.offset, "a shared message of version %d", version)
	}
	o, err := f.object(address)
	if err != nil {
		return nil, err
	}
	m := o.find(kind)
	if m == nil || m.flags&flagShared != 0 {
		return nil, fault(Malformed, c.offset, "a shared message points at an object that has none of its kind")
	}
	return m.reader(), nil
}
