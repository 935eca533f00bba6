package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// join is Concat along the last dimension, whose parts it computes where they are to be: rows of embedding tables and the
// outputs of dense layers are written to the result at once.
type join struct {
	parts []part
	// rank is how many dimensions the result has.
	rank int
}

// part is one of what is joined.
type part struct {
	// in is which of the node's inputs the part is made of: rows to copy, or what the layer takes, or the indices.
	in int
	// layer computes the part, where it is not nil.
	layer *dense
	// table says that the input after is a table, whose rows the input in names.
	table bool
	// fromStart says that negative indices are errors.
	fromStart bool
	// shape says what becomes of what is looked up.
	shape lookupShape
	// width is that of the part, where shape is split.
	width int
}

// lookupShape says which shape the rows get that are looked up with indices of the shape [a, b, …].
type lookupShape uint8

const (
	// bare is [a, b, …, row].
	bare lookupShape = iota
	// split is [–1, width], as many rows one after another as width holds.
	split
	// flat is [a, b·…·row].
	flat
)

// Name implements graph.Op.
func (*join) Name() string { return "Join" }

// Weights implements graph.Weighted.
func (j *join) Weights() (count, bytes int64) {
	for i := range j.parts {
		if layer := j.parts[i].layer; layer != nil {
			n, size := layer.Weights()
			count, bytes = count+n, bytes+size
		}
	}
	return count, bytes
}

// Run implements graph.Op.
func (j *join) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	var buf, own [tensor.MaxRank]int
	var shape []int
	width := 0
	for i := range j.parts {
		s, err := j.parts[i].of(in, own[:0])
		if err != nil {
			return err
		}
		last := len(s) - 1
		if i == 0 {
			shape = append(buf[:0], s[:last]...)
		} else if !slices.Equal(shape, s[:last]) {
			return fmt.Errorf("cannot join the rows of part %d to those before", i)
		}
		width += s[last]
	}
	if len(shape)+1 != j.rank {
		return fmt.Errorf("joins %d dimensions, not %d", j.rank, len(shape)+1)
	}
	rows := tensor.Count(shape)
	if err := f.Resize(out[0], tensor.Float32, append(shape, width)...); err != nil {
		return err
	}
	return j.fill(f, in, tensor.Data[float32](out[0]), rows, width)
}

// of is the shape of a part, appended to buf. It checks what the part is made of.
func (p *part) of(in []*tensor.Tensor, buf []int) ([]int, error) {
	x := in[p.in]
	switch {
	case p.layer != nil:
		if err := p.layer.check(x); err != nil {
			return nil, err
		}
		buf = append(buf, x.Shape()...)
		buf[len(buf)-1] = p.layer.weights.Out
		return buf, nil
	case p.table:
		return p.lookup(x, in[p.in+1], buf)
	case x.DType() != tensor.Float32 || x.Rank() == 0 || x.Rank() > tensor.MaxRank:
		return nil, fmt.Errorf("joins rows of float32, not %v", x)
	}
	return append(buf, x.Shape()...), nil
}

// lookup is the shape of a part that is looked up.
func (p *part) lookup(index, table *tensor.Tensor, buf []int) ([]int, error) {
	if table.DType() != tensor.Float32 || table.Rank() != 2 {
		return nil, fmt.Errorf("looks up rows of a matrix of float32, not of %v", table)
	}
	if (index.DType() != tensor.Int32 && index.DType() != tensor.Int64) || index.Rank() >= tensor.MaxRank {
		return nil, fmt.Errorf("takes integers as indices, not %v", index)
	}
	row := table.Shape()[1]
	switch p.shape {
	case split:
		if p.width == 0 || index.Len()*row%p.width != 0 {
			return nil, fmt.Errorf("%d rows of %d cannot be made rows of %d", index.Len(), row, p.width)
		}
		return append(buf, index.Len()*row/p.width, p.width), nil
	case flat:
		if index.Rank() == 0 {
			return nil, fmt.Errorf("takes indices of one dimension at least, not %v", index)
		}
		return append(buf, index.Shape()[0], tensor.Count(index.Shape()[1:])*row), nil
	default: // bare
		return append(append(buf, index.Shape()...), row), nil
	}
}

// fill computes the parts.
func (j *join) fill(f *graph.Frame, in []*tensor.Tensor, y []float32, rows, stride int) error {
	if len(y) == 0 {
		return nil
	}
	indices := f.Scratch(0)
	if err := j.indices(f, in, indices); err != nil {
		return err
	}
	found := tensor.Data[int32](indices)
	at, next := 0, 0
	for i := range j.parts {
		p := &j.parts[i]
		switch x := in[p.in]; {
		case p.layer != nil:
			if err := p.layer.rows(f, y[at:], stride, tensor.Data[float32](x), rows); err != nil {
				return err
			}
			at += p.layer.weights.Out
		case p.table:
			table := in[p.in+1]
			n, row := x.Len(), table.Shape()[1]
			own := found[next : next+n]
			next += n
			copyLookup(y[at:], stride, tensor.Data[float32](table), row, own, n/rows)
			at += n / rows * row
		default:
			width := x.Shape()[x.Rank()-1]
			copyRows(y[at:], stride, tensor.Data[float32](x), width, rows)
			at += width
		}
	}
	return nil
}

// indices checks all indices, counts negative ones from the end, and asks for the rows, so that they arrive while others are
// copied.
func (j *join) indices(f *graph.Frame, in []*tensor.Tensor, to *tensor.Tensor) error {
	total := 0
	for i := range j.parts {
		if p := &j.parts[i]; p.table {
			total += in[p.in].Len()
		}
	}
	if err := f.Resize(to, tensor.Int32, total); err != nil {
		return err
	}
	all := tensor.Data[int32](to)
	for i := range j.parts {
		p := &j.parts[i]
		if !p.table {
			continue
		}
		index, table := in[p.in], in[p.in+1]
		rows, n := table.Shape()[0], index.Len()
		own := all[:n]
		all = all[n:]
		var err error
		if index.DType() == tensor.Int32 {
			err = checked(own, tensor.Data[int32](index), rows, p.fromStart)
		} else {
			err = checked(own, tensor.Data[int64](index), rows, p.fromStart)
		}
		if err != nil {
			return err
		}
		f.Kernels().Prefetch(tensor.Data[float32](table), table.Shape()[1], own)
	}
	return nil
}

func checked[I int32 | int64](to []int32, index []I, rows int, fromStart bool) error {
	for i, v := range index {
		row := int64(v)
		if row < 0 && !fromStart {
			row += int64(rows)
		}
		if uint64(row) >= uint64(rows) {
			return fmt.Errorf("there is no row %d among %d", v, rows)
		}
		to[i] = int32(row)
	}
	return nil
}

// copyLookup writes rows of a table: so many, one after another, for each row of y.
func copyLookup(y []float32, stride int, table []float32, row int, index []int32, each int) {
	if each == 1 {
		kernel.CopyRows(y, stride, table, row, index)
		return
	}
	for from := 0; from < len(index); from += each {
		kernel.CopyRows(y[from/each*stride:], row, table, row, index[from:from+each])
	}
}

// copyRows copies rows that follow each other to rows that begin every stride elements.
func copyRows(y []float32, stride int, x []float32, width, rows int) {
	for r := range rows {
		copy(y[r*stride:][:width], x[r*width:])
	}
}

// shape is what is known of the result's.
func (j *join) shape(s shapes, node *graph.Node) (shape []int, known bool) {
	shape = make([]int, j.rank)
	for i := range shape {
		shape[i] = graph.Any
	}
	width := 0
	for i := range j.parts {
		w := j.parts[i].widthOf(s, node)
		if w == graph.Any {
			return shape, true
		}
		width += w
	}
	shape[j.rank-1] = width
	return shape, true
}

// widthOf is how wide a part is, or graph.Any.
func (p *part) widthOf(s shapes, node *graph.Node) int {
	x, known := s.input(node, p.in)
	if p.layer != nil {
		return p.layer.weights.Out
	}
	if !known || len(x) == 0 {
		return graph.Any
	}
	if !p.table {
		return x[len(x)-1]
	}
	table, known := s.input(node, p.in+1)
	if !known || len(table) != 2 {
		return graph.Any
	}
	switch p.shape {
	case split:
		return p.width
	case flat:
		if each := count(x[1:]); each != graph.Any {
			return each * table[1]
		}
		return graph.Any
	}
	return table[1]
}

// fuseJoin replaces Concat along the last dimension, and the lookups and dense layers of which only it takes the output.
func fuseJoin(c *compiler) []graph.Node {
	j := joiner{
		compiler: c, from: producers(c.nodes), uses: c.uses(),
		known: inferShapes(c.nodes, c.constants, c.graph.Inputs),
	}
	nodes := make([]graph.Node, 0, len(c.nodes))
	for i := range c.nodes {
		if node, ok := j.join(&c.nodes[i]); ok {
			nodes = append(nodes, node)
		} else {
			nodes = append(nodes, c.nodes[i])
		}
	}
	return nodes
}

type joiner struct {
	*compiler
	from, uses map[graph.Value]int
	known      shapes
}

// join is what replaces a node, if it can be replaced. What only that needs is left to be pruned.
func (j *joiner) join(node *graph.Node) (replaced graph.Node, ok bool) {
	o, ok := node.Op.(op.Concat)
	if !ok || len(node.Out) != 1 {
		return replaced, false
	}
	shape, known := j.known[node.Out[0]]
	if !known || (o.Axis != -1 && o.Axis != len(shape)-1) || len(shape) > tensor.MaxRank {
		return replaced, false
	}
	fused := &join{rank: len(shape)}
	replaced = graph.Node{Op: fused, Name: node.Name, Out: node.Out}
	computed := 0
	for _, v := range node.In {
		p, in := j.part(v)
		p.in = len(replaced.In)
		if p.table || p.layer != nil {
			computed++
		}
		replaced.In = append(replaced.In, in...)
		fused.parts = append(fused.parts, p)
	}
	return replaced, computed > 0
}

// part is how a value is made, and of what: by the operators that make it, where only the Concat takes it.
func (j *joiner) part(v graph.Value) (p part, in []graph.Value) {
	node := j.maker(v)
	if node == nil {
		return part{}, []graph.Value{v}
	}
	if d, ok := node.Op.(*dense); ok {
		return part{layer: d}, node.In
	}
	if j.lookup(node) {
		return part{table: true, fromStart: node.Op.(op.Gather).FromStart, shape: bare}, j.indexed(node)
	}
	if len(node.In) == 0 {
		return part{}, []graph.Value{v}
	}
	gather := j.maker(node.In[0])
	if gather == nil || !j.lookup(gather) {
		return part{}, []graph.Value{v}
	}
	p, ok := j.reshaped(node, gather)
	if !ok {
		return part{}, []graph.Value{v}
	}
	p.fromStart = gather.Op.(op.Gather).FromStart
	return p, j.indexed(gather)
}

// maker is the node that makes a value which nothing else takes, or nil.
func (j *joiner) maker(v graph.Value) *graph.Node {
	i, found := j.from[v]
	if !found || j.uses[v] != 1 || len(j.nodes[i].Out) != 1 {
		return nil
	}
	return &j.nodes[i]
}

// lookup says whether a node takes rows of a constant table.
func (j *joiner) lookup(node *graph.Node) bool {
	o, ok := node.Op.(op.Gather)
	if !ok || o.Axis != 0 || len(node.In) != 2 {
		return false
	}
	table := j.constants[node.In[0]]
	return table != nil && table.DType() == tensor.Float32 && table.Rank() == 2 && table.Shape()[0] <= math.MaxInt32 &&
		j.constants[node.In[1]] == nil
}

// indexed are the indices and the table of a lookup. Indices that an input has, and that are made wider, are taken as they
// are.
func (j *joiner) indexed(gather *graph.Node) []graph.Value {
	table, index := gather.In[0], gather.In[1]
	if i, found := j.from[index]; found {
		cast, ok := j.nodes[i].Op.(op.Cast)
		if ok && cast.To == tensor.Int64 && j.integer(j.nodes[i].In[0]) {
			index = j.nodes[i].In[0]
		}
	}
	return []graph.Value{index, table}
}

// integer says whether a value is an input of integers.
func (j *joiner) integer(v graph.Value) bool {
	for _, input := range j.graph.Inputs {
		if input.Value == v {
			return input.DType == tensor.Int32 || input.DType == tensor.Int64
		}
	}
	return false
}

// reshaped is the part that a node makes which gives another shape to what is looked up.
func (j *joiner) reshaped(node, gather *graph.Node) (p part, ok bool) {
	index, known := j.known[gather.In[1]]
	switch o := node.Op.(type) {
	case op.Reshape:
		sizes, constant := integers(j.constants[second(node)])
		if !constant || len(sizes) != 2 {
			return p, false
		}
		if sizes[0] == 0 && !o.AllowZero && known && len(index) > 0 {
			each := count(index[1:]) * j.constants[gather.In[0]].Shape()[1]
			return part{table: true, shape: flat}, each > 0 && (sizes[1] == -1 || sizes[1] == each)
		}
		row := j.constants[gather.In[0]].Shape()[1]
		return part{table: true, shape: split, width: sizes[1]}, sizes[0] == -1 && sizes[1] > 0 && row > 0 && sizes[1]%row == 0
	case op.Flatten:
		return part{table: true, shape: flat}, o.Axis == 1
	case op.Squeeze:
		axes, constant := squeezed(j.constants, node)
		return part{table: true, shape: flat}, constant && known && len(index) == 2 && index[1] == 1 &&
			len(axes) == 1 && (axes[0] == 1 || axes[0] == -2)
	}
	return p, false
}

// squeezed are the axes that a Squeeze leaves out, where they are given and constant.
func squeezed(constants map[graph.Value]*tensor.Tensor, node *graph.Node) (axes []int, constant bool) {
	if len(node.In) < 2 {
		return nil, false
	}
	return integers(constants[node.In[1]])
}
