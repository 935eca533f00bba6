package tabular

import (
	"math"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
)

// FieldTable makes a Sparse row of the one Mixed column of fields: a number is one of its name's, and a text the number 1
// of its name, the separator and the text's, joined.
type FieldTable struct {
	table     *Vocabulary
	separator string
	origins   []int
	pool      sync.Pool
}

// NewFieldTable makes a FieldTable of which column belongs to which name. What is not in the table does not count.
func NewFieldTable(table *Vocabulary, separator string, origins []int) *FieldTable {
	f := &FieldTable{table: table, separator: separator, origins: origins}
	f.pool.New = func() any { return &[]byte{} }
	return f
}

// Shapes implements Transform.
func (f *FieldTable) Shapes() (in, out Shape) { return Shape{Mixed, 1}, Shape{Sparse, f.table.Len()} }

// Apply implements Transform. A field without a value makes a number that is missing.
func (f *FieldTable) Apply(dst, src *Row, _ *Scratch) error {
	fields, err := fieldsOf(src, f.origins)
	if err != nil {
		return err
	}
	dst.Clear(Sparse)
	joined := f.pool.Get().(*[]byte)
	for i, name := range fields.Texts {
		cell := &fields.Cells[i]
		switch cell.Kind {
		case Number:
			*joined = append((*joined)[:0], name...)
			f.put(dst, *joined, cell.Num)
		case None:
			*joined = append((*joined)[:0], name...)
			f.put(dst, *joined, math.NaN())
		case Text:
			*joined = join(*joined, name, f.separator, cell.Str)
			f.put(dst, *joined, 1)
		case Texts:
			for _, text := range cell.Many.Texts {
				*joined = join(*joined, name, f.separator, text)
				f.put(dst, *joined, 1)
			}
		default:
			err = Refuse(f.origins, 0, "has %.64q, which must be a number, a string or a list of strings", name)
		}
	}
	f.pool.Put(joined)
	dst.Settle(0)
	return err
}

func (f *FieldTable) put(dst *Row, name []byte, number float64) {
	if column, ok := f.table.Column(name); ok {
		dst.Put(int(column), number)
	}
}

func join(joined []byte, name, separator, text string) []byte {
	joined = append(joined[:0], name...)
	joined = append(joined, separator...)
	return append(joined, text...)
}

func fieldsOf(src *Row, origins []int) (*Many, error) {
	if cell := &src.Cells[0]; cell.Kind != Fields {
		return nil, Refuse(origins, 0, "must be an object, not a %s", cell.Kind)
	}
	return src.Cells[0].Many, nil
}

// HashedFields makes a Sparse row of the one Mixed column of fields: each name's number, or where it has a text the number
// 1 of "name=text", is added up in the column of the name's hash.
type HashedFields struct {
	hashed  hashed
	columns int
	origins []int
	pool    sync.Pool
}

// NewHashedFields makes a HashedFields; signed, where half of the names count against the others.
func NewHashedFields(columns int, signed bool, origins []int) *HashedFields {
	h := &HashedFields{hashed: hashed{uint32(columns), signed}, columns: columns, origins: origins}
	h.pool.New = func() any { return &[]byte{} }
	return h
}

// Shapes implements Transform.
func (h *HashedFields) Shapes() (in, out Shape) { return Shape{Mixed, 1}, Shape{Sparse, h.columns} }

// Apply implements Transform.
func (h *HashedFields) Apply(dst, src *Row, _ *Scratch) error {
	fields, err := fieldsOf(src, h.origins)
	if err != nil {
		return err
	}
	dst.Clear(Sparse)
	joined := h.pool.Get().(*[]byte)
	for i, name := range fields.Texts {
		switch cell := &fields.Cells[i]; cell.Kind {
		case Number:
			if cell.Num != 0 {
				h.put(dst, hash.Murmur3(name, 0), cell.Num)
			}
		case Text:
			*joined = join(*joined, name, "=", cell.Str)
			h.put(dst, hash.Murmur3(*joined, 0), 1)
		default:
			err = Refuse(h.origins, 0, "has %.64q, which must be a number or a string", name)
		}
	}
	h.pool.Put(joined)
	dst.Settle(0)
	return err
}

func (h *HashedFields) put(dst *Row, sum int32, number float64) {
	column, sign := h.hashed.place(sum)
	if h.hashed.signed {
		number *= sign
	}
	dst.Put(int(column), number)
}
