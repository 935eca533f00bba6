package op

import (
	"fmt"
	"math"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// SparseCross makes, for each row of a batch, all combinations of a value from each of several columns. Inputs are, for each
// of the Sparse columns, indices; then for each the values; then for each the shape; then the dense columns, matrices.
// Outputs are the indices, elements and shape of a sparse matrix.
//
// If Hashed is set, a combination is the joined fingerprint of its values, modulo Buckets, or 2^63-1 where that is 0;
// else their texts with Separator between them.
type SparseCross struct {
	Sparse    int
	Hashed    bool
	Buckets   int64
	Separator string
	// Start is what the fingerprints are joined to, if Salted is not set.
	Start uint64
	// Salted says that the first value's fingerprint is where joining starts; then Strong says that texts are
	// hashed under the key.
	Salted, Strong bool
	Key0, Key1     uint64
}

// Name implements graph.Op.
func (SparseCross) Name() string { return "SparseCross" }

// Run implements graph.Op.
func (o SparseCross) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := sparseArgs(in, out, max(1, 3*o.Sparse, len(in)), len(in), 3); err != nil {
		return err
	}
	if o.Buckets < 0 {
		return fmt.Errorf("hashes to %d buckets", o.Buckets)
	}
	batch, err := o.batch(in)
	if err != nil {
		return err
	}
	columns := len(in) - 2*o.Sparse
	// For each column and row: where its values begin, and how many there are.
	if err := f.Resize(f.Scratch(0), tensor.Int64, columns, batch, 2); err != nil {
		return err
	}
	c := crossing{SparseCross: o, in: in, batch: batch, columns: columns, spans: tensor.Data[int64](f.Scratch(0))}
	if err := c.find(); err != nil {
		return err
	}
	total, widest, err := c.count()
	if err != nil {
		return err
	}
	if err := f.Resize(f.Scratch(1), tensor.Int64, columns); err != nil {
		return err
	}
	c.at = tensor.Data[int64](f.Scratch(1))
	dtype := tensor.String
	if o.Hashed {
		dtype = tensor.Int64
	}
	if err := f.Resize(out[0], tensor.Int64, total, 2); err != nil {
		return err
	}
	if err := f.Resize(out[1], dtype, total); err != nil {
		return err
	}
	if err := f.Resize(out[2], tensor.Int64, 2); err != nil {
		return err
	}
	tensor.Data[int64](out[2])[0], tensor.Data[int64](out[2])[1] = int64(batch), int64(widest)
	return c.cross(f, out)
}

// batch is how many rows all columns have.
func (o SparseCross) batch(in []*tensor.Tensor) (int, error) {
	rows := -1
	for i := range o.Sparse {
		indices, values, shape := in[i], in[o.Sparse+i], in[2*o.Sparse+i]
		if indices.DType() != tensor.Int64 || indices.Rank() != 2 || indices.Shape()[1] != 2 || values.Rank() != 1 ||
			values.Len() != indices.Shape()[0] || shape.DType() != tensor.Int64 || shape.Len() != 2 {
			return 0, fmt.Errorf("crosses indices %v, elements %v, shape %v", indices, values, shape)
		}
		n := int(tensor.Data[int64](shape)[0])
		if rows >= 0 && n != rows {
			return 0, fmt.Errorf("crosses columns of %d and %d rows", rows, n)
		}
		rows = n
	}
	for _, t := range in[3*o.Sparse:] {
		if t.Rank() != 2 || rows >= 0 && t.Shape()[0] != rows {
			return 0, fmt.Errorf("crosses %v with columns of %d rows", t, rows)
		}
		rows = t.Shape()[0]
	}
	if rows < 0 {
		return 0, fmt.Errorf("crosses columns of %d rows", rows)
	}
	for _, t := range append(in[o.Sparse:2*o.Sparse:2*o.Sparse], in[3*o.Sparse:]...) {
		if t.DType() != tensor.Int64 && t.DType() != tensor.String {
			return 0, typeError("strings and int64s", t)
		}
	}
	return rows, nil
}

// crossing is one run of a SparseCross.
type crossing struct {
	SparseCross
	in             []*tensor.Tensor
	batch, columns int
	spans, at      []int64
}

// values are a column's.
func (c *crossing) values(column int) *tensor.Tensor {
	if column < c.Sparse {
		return c.in[c.Sparse+column]
	}
	return c.in[3*c.Sparse+column-c.Sparse]
}

// span is where a column's values of a row begin, and how many there are.
func (c *crossing) span(column, row int) []int64 { return c.spans[(column*c.batch+row)*2:][:2] }

// find fills in the spans.
func (c *crossing) find() error {
	clear(c.spans)
	for column := range c.columns {
		if column >= c.Sparse {
			width := c.values(column).Shape()[1]
			for row := range c.batch {
				s := c.span(column, row)
				s[0], s[1] = int64(row*width), int64(width)
			}
			continue
		}
		last := int64(-1)
		indices := tensor.Data[int64](c.in[column])
		for i := range len(indices) / 2 {
			row := indices[2*i]
			if row < last || row < 0 || row >= int64(c.batch) {
				return fmt.Errorf("the rows of a column are not in order: %d after %d, of %d", row, last, c.batch)
			}
			s := c.span(column, int(row))
			if row != last {
				s[0] = int64(i)
			}
			s[1]++
			last = row
		}
	}
	return nil
}

// count is how many combinations there are, and how many in a row at most.
func (c *crossing) count() (total, widest int, err error) {
	for row := range c.batch {
		n := 1
		for column := range c.columns {
			if n, err = product(n, int(c.span(column, row)[1])); err != nil {
				return 0, 0, err
			}
		}
		if total > math.MaxInt32-n {
			return 0, 0, fmt.Errorf("more than %d combinations", math.MaxInt32)
		}
		total, widest = total+n, max(widest, n)
	}
	return total, widest, nil
}

// cross fills the outputs. The last column's value changes first.
func (c *crossing) cross(f *graph.Frame, out []*tensor.Tensor) error {
	indices, next := tensor.Data[int64](out[0]), 0
	for row := range c.batch {
		clear(c.at)
		for k := 0; c.more(row); k++ {
			indices[2*next], indices[2*next+1] = int64(row), int64(k)
			if c.Hashed {
				tensor.Data[int64](out[1])[next] = c.fingerprint(row)
			} else {
				text := c.text(row)
				if err := f.Charge(int64(len(text))); err != nil {
					return err
				}
				tensor.Data[string](out[1])[next] = text
			}
			next++
			c.advance(row)
		}
	}
	return nil
}

// more says whether there is a combination left.
func (c *crossing) more(row int) bool {
	for column := range c.columns {
		if c.at[column] >= c.span(column, row)[1] {
			return false
		}
	}
	return true
}

func (c *crossing) advance(row int) {
	for column := c.columns - 1; column >= 0; column-- {
		c.at[column]++
		if c.at[column] < c.span(column, row)[1] || column == 0 {
			return
		}
		c.at[column] = 0
	}
}

func (c *crossing) fingerprint(row int) int64 {
	joined := c.Start
	for column := range c.columns {
		value := c.hash(c.values(column), int(c.span(column, row)[0]+c.at[column]))
		if column == 0 && c.Salted {
			joined = value
		} else {
			joined = hash.FingerprintCat64(joined, value)
		}
	}
	if c.Buckets > 0 {
		return int64(joined % uint64(c.Buckets))
	}
	return int64(joined % math.MaxInt64)
}

func (c *crossing) hash(values *tensor.Tensor, i int) uint64 {
	if values.DType() == tensor.Int64 {
		return uint64(tensor.Data[int64](values)[i])
	}
	text := tensor.Data[string](values)[i]
	if c.Strong {
		return hash.Strong(c.Key0, c.Key1, text)
	}
	return hash.Fingerprint64(text)
}

func (c *crossing) text(row int) string {
	var text []byte
	for column := range c.columns {
		if column > 0 {
			text = append(text, c.Separator...)
		}
		values, i := c.values(column), int(c.span(column, row)[0]+c.at[column])
		if values.DType() == tensor.Int64 {
			text = strconv.AppendInt(text, tensor.Data[int64](values)[i], 10)
		} else {
			text = append(text, tensor.Data[string](values)[i]...)
		}
	}
	return string(text)
}
