package jieba

import (
	"compress/gzip"
	_ "embed" // for the dictionary
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// embedded is what gen/dictionary.py wrote: gzip over
//
//	magic    8 bytes
//	weights  floats: by rank
//	nodes    varint: their number; the columns follow
//	         children  varint per node: how many
//	         label     varint per node but the root: code point, as the step from the sibling before (from 0 for the first)
//	         rank      varint per node but the root: into weights, 0 for a prefix that is no word
//	hmm      floats: 4 start probabilities; floats: 4×4 transitions; floats: the distinct emission probabilities
//	chars    varint: their number; then a varint step per character; then, state by state, a varint per character:
//	         the index of its emission probability
//
// where floats are a varint count and little-endian float64s, and varints are as in encoding/binary.
//
//go:embed jieba.bin.gz
var embedded string

const magic = "CTRJIEB1"

// maxNodes and maxFloats bound what a damaged count can make us allocate.
const (
	maxNodes  = 1 << 20
	maxFloats = 1 << 16
)

var errCorrupt = errors.New("jieba: the embedded dictionary is damaged")

func (t *Tokenizer) load(data string) error {
	z, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	d := &decoder{r: z}
	if d.magic(); d.err == nil {
		t.words.read(d)
		t.hmm.read(d)
	}
	if d.err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, d.err)
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return nil
}

func (t *trie) read(d *decoder) {
	t.weights = d.floats()
	n := d.count(maxNodes)
	if d.err != nil {
		return
	}
	t.first = make([]uint32, n+1)
	next := uint64(1)
	for i := range n {
		t.first[i] = uint32(next)
		next += d.varint()
		d.require(next <= uint64(n), "children")
	}
	t.first[n] = uint32(next)
	d.require(next == uint64(n), "children")

	t.labels = make([]uint16, n)
	for i := 0; i < n && d.err == nil; i++ {
		label := uint64(0)
		for k := t.first[i]; k < t.first[i+1]; k++ {
			label += d.varint()
			d.require(label <= lastHan, "label")
			t.labels[k] = uint16(label)
		}
	}
	t.ranks = make([]uint16, n)
	for i := 1; i < n && d.err == nil; i++ {
		rank := d.varint()
		d.require(rank < uint64(len(t.weights)), "rank")
		t.ranks[i] = uint16(rank)
	}
	t.indexTop(d)
}

func (t *trie) indexTop(d *decoder) {
	if d.err != nil {
		return
	}
	for node := t.first[0]; node < t.first[1]; node++ {
		switch label := t.labels[node]; {
		case label < utf8.RuneSelf:
			t.ascii[label] = uint16(node)
		case label >= firstHan:
			t.han[label-firstHan] = uint16(node)
		default:
			d.require(false, "first character")
		}
	}
}

func (h *hmm) read(d *decoder) {
	start, trans, values := d.floats(), d.floats(), d.floats()
	n := d.count(len(h.row))
	d.require(len(start) == states && len(trans) == states*states && len(values) > 0, "hmm tables")
	if d.err != nil {
		return
	}
	copy(h.start[:], start)
	for i, p := range trans {
		h.trans[i/states][i%states] = p
	}
	h.rows = make([][states]float64, n+1)
	for s := range h.rows[0] {
		h.rows[0][s] = values[0]
	}
	label := uint64(0)
	for i := 0; i < n && d.err == nil; i++ {
		label += d.varint()
		if d.require(firstHan <= label && label <= lastHan, "hmm character") {
			h.row[label-firstHan] = uint16(i + 1)
		}
	}
	for s := range states {
		for i := 0; i < n && d.err == nil; i++ {
			value := d.varint()
			if d.require(value < uint64(len(values)), "emission") {
				h.rows[i+1][s] = values[value]
			}
		}
	}
}

// decoder reads the parts of the format through a window. After an error it gives zeros, and keeps the first error. A
// million and a half varints are read at the start of the process, so that reading one is kept cheap.
type decoder struct {
	r      io.Reader
	window [1 << 15]byte
	rest   []byte // of the window
	err    error
}

func (d *decoder) require(ok bool, what string) bool {
	if !ok {
		d.fail(fmt.Errorf("%s out of range", what))
	}
	return d.err == nil
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

// fill makes at least n bytes available, n being small.
func (d *decoder) fill(n int) bool {
	if len(d.rest) >= n {
		return true
	}
	if d.err != nil {
		return false
	}
	kept := copy(d.window[:], d.rest)
	read, err := io.ReadAtLeast(d.r, d.window[kept:], n-kept)
	if err != nil {
		d.fail(err)
		return false
	}
	d.rest = d.window[:kept+read]
	return true
}

func (d *decoder) magic() {
	if d.fill(len(magic)) {
		d.require(string(d.rest[:len(magic)]) == magic, "magic")
	}
	if d.err == nil {
		d.rest = d.rest[len(magic):]
	}
}

func (d *decoder) varint() uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 {
		b := d.rest[0]
		d.rest = d.rest[1:]
		return uint64(b)
	}
	return d.longVarint()
}

func (d *decoder) longVarint() uint64 {
	var v uint64
	for shift := 0; shift < 63; shift += 7 {
		if !d.fill(1) {
			return 0
		}
		b := d.rest[0]
		d.rest = d.rest[1:]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.require(false, "varint")
	return 0
}

func (d *decoder) count(limit int) int {
	n := d.varint()
	if !d.require(n <= uint64(limit), "count") {
		return 0
	}
	return int(n)
}

func (d *decoder) floats() []float64 {
	out := make([]float64, d.count(maxFloats))
	for i := range out {
		if !d.fill(8) {
			return nil
		}
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(d.rest))
		d.rest = d.rest[8:]
	}
	return out
}

// end says whether the data ends here. Only at its end has gzip checked the sum.
func (d *decoder) end() error {
	var one [1]byte
	n, err := d.r.Read(one[:])
	if len(d.rest) > 0 || n > 0 {
		return errors.New("there is more after the last table")
	}
	if err != io.EOF {
		return err
	}
	return nil
}
