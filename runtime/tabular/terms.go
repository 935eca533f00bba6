package tabular

import (
	"slices"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
	"github.com/ctr-operator/ctr-operator/runtime/features/text"
)

// Terms makes a Sparse row of a text, of one Mixed column: how often it has each of the terms that an analyzer finds in it.
type Terms struct {
	analyzer *text.Analyzer
	buckets  buckets
	columns  int
	// binary makes ones of all numbers.
	binary bool
	weight *Weights
	origin []int
	pool   sync.Pool
}

// buckets say which column a term is counted in.
type buckets interface {
	// add appends a term's column, times two, and one more if it counts against it; or nothing.
	add(keys []uint32, term []byte) []uint32
}

// TermOptions are what Terms can do beside counting.
type TermOptions struct {
	// Binary says that it does not count how often.
	Binary bool
	// Weights are then applied; nil for none.
	Weights *Weights
	// Origins are the model's own columns that come in, as Numeric has them.
	Origins []int
}

// VocabularyTerms counts the terms of a vocabulary, each of which has a column of its own.
func VocabularyTerms(analyzer *text.Analyzer, vocabulary *Vocabulary, options TermOptions) *Terms {
	return newTerms(analyzer, known{vocabulary}, vocabulary.Len(), options)
}

// HashedTerms counts terms in the columns of their hashes; signed, where half of the terms count against the others.
func HashedTerms(analyzer *text.Analyzer, columns int, signed bool, options TermOptions) *Terms {
	return newTerms(analyzer, hashed{uint32(columns), signed}, columns, options)
}

func newTerms(analyzer *text.Analyzer, buckets buckets, columns int, options TermOptions) *Terms {
	t := &Terms{
		analyzer: analyzer, buckets: buckets, columns: columns,
		binary: options.Binary, weight: options.Weights, origin: options.Origins,
	}
	t.pool.New = func() any { return &termScratch{} }
	return t
}

type termScratch struct {
	terms text.Terms
	keys  []uint32
}

// mostKept is how many keys the scratch may have place for that is kept for the next prediction: that of a book is not.
const mostKept = 1 << 18

func keep(pool *sync.Pool, scratch *termScratch) {
	if cap(scratch.keys) <= mostKept {
		pool.Put(scratch)
	}
}

// Shapes implements Transform.
func (t *Terms) Shapes() (in, out Shape) { return Shape{Mixed, 1}, Shape{Sparse, t.columns} }

// Apply implements Transform.
func (t *Terms) Apply(dst, src *Row, _ *Scratch) error {
	cell := &src.Cells[0]
	if cell.Kind != Text {
		return Refuse(t.origin, 0, "must be a string, not a %s", cell.Kind)
	}
	scratch := t.pool.Get().(*termScratch)
	if err := t.analyzer.Analyze(&scratch.terms, cell.Str); err != nil {
		t.pool.Put(scratch)
		return Refuse(t.origin, 0, "cannot be predicted: %v", err)
	}
	scratch.keys = scratch.keys[:0]
	for term, ok := scratch.terms.Next(); ok; term, ok = scratch.terms.Next() {
		scratch.keys = t.buckets.add(scratch.keys, term)
	}
	dst.Clear(Sparse)
	dst.count(scratch.keys)
	keep(&t.pool, scratch)
	if t.binary {
		for i := range dst.Numbers {
			dst.Numbers[i] = 1
		}
	}
	if t.weight != nil {
		return t.weight.weigh(dst.Numbers, dst.Index)
	}
	return nil
}

// count puts into a Sparse row how often each column is in keys; see buckets. It puts the keys in order.
func (r *Row) count(keys []uint32) {
	slices.Sort(keys)
	for i := 0; i < len(keys); {
		column, sum := keys[i]>>1, 0
		for ; i < len(keys) && keys[i]>>1 == column; i++ {
			sum += 1 - 2*int(keys[i]&1)
		}
		r.Put(int(column), float64(sum))
	}
}

type known struct{ *Vocabulary }

func (k known) add(keys []uint32, term []byte) []uint32 {
	if column, ok := k.Column(term); ok {
		return append(keys, uint32(column)<<1)
	}
	return keys
}

// hashed is a number of columns, and whether they have signs.
type hashed struct {
	columns uint32
	signed  bool
}

func (h hashed) add(keys []uint32, term []byte) []uint32 {
	column, sign := h.place(hash.Murmur3(term, 0))
	if h.signed && sign < 0 {
		return append(keys, column<<1|1)
	}
	return append(keys, column<<1)
}

// place is the column of a hash, and its sign.
func (h hashed) place(sum int32) (column uint32, sign float64) {
	if sum < 0 {
		// The magnitude of the lowest number, too.
		return uint32(-int64(sum)) % h.columns, -1
	}
	return uint32(sum) % h.columns, 1
}

// HashedTexts makes a Sparse row of lists of texts, and texts, in Mixed columns: how often each is there, by its hash.
type HashedTexts struct {
	columns int
	hashed  hashed
	taken   int
	origins []int
	pool    sync.Pool
}

// NewHashedTexts makes a HashedTexts of so many columns, which are lists, or otherwise texts. See HashedTerms.
func NewHashedTexts(taken, columns int, signed bool, origins []int) *HashedTexts {
	h := &HashedTexts{columns: columns, hashed: hashed{uint32(columns), signed}, taken: taken, origins: origins}
	h.pool.New = func() any { return &termScratch{} }
	return h
}

// Shapes implements Transform.
func (h *HashedTexts) Shapes() (in, out Shape) {
	return Shape{Mixed, h.taken}, Shape{Sparse, h.columns}
}

// Apply implements Transform.
func (h *HashedTexts) Apply(dst, src *Row, _ *Scratch) error {
	scratch := h.pool.Get().(*termScratch)
	defer keep(&h.pool, scratch)
	keys := scratch.keys[:0]
	for i := range src.Cells {
		switch cell := &src.Cells[i]; cell.Kind {
		case Texts:
			for _, text := range cell.Many.Texts {
				keys = h.add(keys, text)
			}
		case Text:
			keys = h.add(keys, cell.Str)
		default:
			return Refuse(h.origins, i, "must be a string or a list of strings, not a %s", cell.Kind)
		}
	}
	scratch.keys = keys
	dst.Clear(Sparse)
	dst.count(keys)
	return nil
}

func (h *HashedTexts) add(keys []uint32, text string) []uint32 {
	column, sign := h.hashed.place(hash.Murmur3(text, 0))
	if h.hashed.signed && sign < 0 {
		return append(keys, column<<1|1)
	}
	return append(keys, column<<1)
}
