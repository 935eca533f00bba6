package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Gather takes rows of the first input, of any type, along Axis: those that the second, of integers of any shape, says.
// Negative ones are counted from the end, unless FromStart is set. An index beyond the rows is an error.
type Gather struct {
	Axis      int
	FromStart bool
}

// Name implements graph.Op.
func (Gather) Name() string { return "Gather" }

// Run implements graph.Op.
func (o Gather) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return GatherBatch{Axis: o.Axis, FromStart: o.FromStart}.Run(f, in, out)
}

// GatherBatch is Gather for each of a batch: the first BatchDims dimensions are the same in both inputs, and each of their
// places has data and indices of its own. Axis counts them, too.
type GatherBatch struct {
	Axis, BatchDims int
	FromStart       bool
}

// Name implements graph.Op.
func (GatherBatch) Name() string { return "GatherBatch" }

// Run implements graph.Op.
func (o GatherBatch) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x, indices := in[0], in[1]
	if !isInt(indices) {
		return typeError("integers as indices", indices)
	}
	axis, err := axisOf(o.Axis, x.Rank())
	if err != nil {
		return err
	}
	batch := o.BatchDims
	if batch < 0 {
		batch += indices.Rank()
	}
	if batch < 0 || batch > axis || batch > indices.Rank() {
		return fmt.Errorf("the axis %d comes before the end of a batch of %d dimensions", axis, o.BatchDims)
	}
	for d := range batch {
		if x.Shape()[d] != indices.Shape()[d] {
			return fmt.Errorf("%v and the indices %v are not of one batch", x, indices)
		}
	}
	rank := x.Rank() - 1 + indices.Rank() - batch
	if rank > tensor.MaxRank {
		return fmt.Errorf("%d dimensions, of which %d are possible", rank, tensor.MaxRank)
	}
	var buf dims
	shape := buf[:0]
	shape = append(shape, x.Shape()[:axis]...)
	shape = append(shape, indices.Shape()[batch:]...)
	shape = append(shape, x.Shape()[axis+1:]...)
	if err := f.Resize(out[0], x.DType(), shape...); err != nil {
		return err
	}
	if out[0].Len() == 0 {
		return nil
	}
	g := gathering{batches: tensor.Count(x.Shape()[:batch]), fromStart: o.FromStart}
	g.outer = tensor.Count(x.Shape()[batch:axis])
	_, g.rows, g.inner = around(x.Shape(), axis)
	if indices.DType() == tensor.Int32 {
		return gatherTyped(&g, out[0], x, tensor.Data[int32](indices))
	}
	return gatherTyped(&g, out[0], x, tensor.Data[int64](indices))
}

// gathering is the shape of a gather: in each batch so many outer blocks, of so many rows, of so many elements.
type gathering struct {
	batches, outer, rows, inner int
	fromStart                   bool
}

func gatherTyped[I int32 | int64](g *gathering, y, x *tensor.Tensor, indices []I) error {
	switch x.DType() {
	case tensor.Float32:
		return gather(g, tensor.Data[float32](y), tensor.Data[float32](x), indices)
	case tensor.Float64:
		return gather(g, tensor.Data[float64](y), tensor.Data[float64](x), indices)
	case tensor.Int32:
		return gather(g, tensor.Data[int32](y), tensor.Data[int32](x), indices)
	case tensor.Int64:
		return gather(g, tensor.Data[int64](y), tensor.Data[int64](x), indices)
	case tensor.Bool:
		return gather(g, tensor.Data[bool](y), tensor.Data[bool](x), indices)
	default:
		return gather(g, tensor.Data[string](y), tensor.Data[string](x), indices)
	}
}

func gather[T any, I int32 | int64](g *gathering, y, x []T, indices []I) error {
	each := len(indices) / g.batches
	at := 0
	for b := range g.batches {
		own := indices[b*each : (b+1)*each]
		for o := range g.outer {
			block := x[(b*g.outer+o)*g.rows*g.inner:][:g.rows*g.inner]
			for _, index := range own {
				row := int(index)
				if row < 0 && !g.fromStart {
					row += g.rows
				}
				if row < 0 || row >= g.rows {
					return indexError(int(index), g.rows)
				}
				if g.inner == 1 {
					y[at] = block[row]
				} else {
					copy(y[at:at+g.inner], block[row*g.inner:])
				}
				at += g.inner
			}
		}
	}
	return nil
}

func indexError(index, rows int) error { return fmt.Errorf("there is no row %d among %d", index, rows) }
