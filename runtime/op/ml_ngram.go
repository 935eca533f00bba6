package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Weighting is what TfIdfVectorizer makes of how often an n-gram occurs.
type Weighting uint8

// The weightings: how often; its weight if it occurs; how often, times its weight.
const (
	WeightTF Weighting = iota
	WeightIDF
	WeightTFIDF
)

// Ngrams describe a TfIdfVectorizer.
type Ngrams struct {
	// Strings or Ints are all n-grams of one item, of two, and so on; Begins is where those of each length begin.
	Strings []string
	Ints    []int64
	Begins  []int64
	// Columns are where each n-gram is counted, Weights how much it counts: one for each, or none.
	Columns []int64
	Weights []float32
	Weighting
	// Min and Max are the lengths that are counted, Skip how many items may be between two of an n-gram.
	Min, Max, Skip int
}

// gram is what is known of an n-gram: its number, or -1 where it is only the beginning of longer ones.
type gram[K comparable] struct {
	id   int
	next map[K]*gram[K]
}

// TfIdfVectorizer counts n-grams in rows of strings or integers.
type TfIdfVectorizer struct {
	grams   Ngrams
	strings *gram[string]
	ints    *gram[int64]
	width   int
	// weights are those of columns, nil where there are none.
	weights []float32
}

// NewTfIdfVectorizer checks the description.
func NewTfIdfVectorizer(g Ngrams) (*TfIdfVectorizer, error) {
	o := &TfIdfVectorizer{grams: g}
	if g.Min < 1 || g.Max < g.Min || g.Max > len(g.Begins) || g.Skip < 0 {
		return nil, fmt.Errorf("n-grams of %d to %d items with %d between, and lists up to %d", g.Min, g.Max, g.Skip, len(g.Begins))
	}
	for _, column := range g.Columns {
		if column < 0 || column > 1<<31 {
			return nil, fmt.Errorf("an n-gram is counted in the column %d", column)
		}
		o.width = max(o.width, int(column)+1)
	}
	if len(g.Weights) > 0 && len(g.Weights) != len(g.Columns) {
		return nil, fmt.Errorf("%d weights for %d n-grams", len(g.Weights), len(g.Columns))
	}
	if err := o.setWeights(); err != nil {
		return nil, err
	}
	var err error
	if g.Strings != nil {
		o.strings, err = newGrams(&g, g.Strings)
	} else {
		o.ints, err = newGrams(&g, g.Ints)
	}
	return o, err
}

// setWeights brings the weights to the columns of their n-grams.
func (o *TfIdfVectorizer) setWeights() error {
	g := &o.grams
	if len(g.Weights) == 0 {
		return nil
	}
	// Columns beyond all n-grams would take memory that no file has asked for in earnest.
	if o.width > 64*(len(g.Columns)+64) {
		return fmt.Errorf("%d n-grams in %d columns", len(g.Columns), o.width)
	}
	o.weights = make([]float32, o.width)
	for i, column := range g.Columns {
		o.weights[column] = g.Weights[i]
	}
	return nil
}

func newGrams[K comparable](g *Ngrams, pool []K) (*gram[K], error) {
	root := &gram[K]{id: -1, next: map[K]*gram[K]{}}
	id := 0
	for i, begin := range g.Begins {
		end := int64(len(pool))
		if i+1 < len(g.Begins) {
			end = g.Begins[i+1]
		}
		size := int64(i + 1)
		if begin < 0 || end < begin || end > int64(len(pool)) || (end-begin)%size != 0 {
			return nil, fmt.Errorf("%d-grams from %d to %d of a pool of %d", size, begin, end, len(pool))
		}
		for ; begin < end; begin += size {
			if i+1 >= g.Min && i+1 <= g.Max && !root.put(pool[begin:begin+size], id) {
				return nil, fmt.Errorf("a %d-gram is in the pool twice", size)
			}
			id++
		}
	}
	if id != len(g.Columns) {
		return nil, fmt.Errorf("%d n-grams for %d columns", id, len(g.Columns))
	}
	return root, nil
}

// put says whether the n-gram is new.
func (g *gram[K]) put(items []K, id int) bool {
	for _, item := range items {
		if g.next == nil {
			g.next = map[K]*gram[K]{}
		}
		next := g.next[item]
		if next == nil {
			next = &gram[K]{id: -1}
			g.next[item] = next
		}
		g = next
	}
	known := g.id >= 0
	g.id = id
	return !known
}

// Name implements graph.Op.
func (*TfIdfVectorizer) Name() string { return "TfIdfVectorizer" }

// Run implements graph.Op.
func (o *TfIdfVectorizer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	if o.ints != nil && x.DType() == tensor.Int32 {
		x = f.Scratch(0)
		if err := castTo(f, x, in[0], tensor.Int64); err != nil {
			return err
		}
	}
	if (o.strings != nil) != (x.DType() == tensor.String) || (o.ints != nil) != (x.DType() == tensor.Int64) {
		return fmt.Errorf("takes what its n-grams are of, not %v", in[0])
	}
	shape := x.Shape()
	if len(shape) > 2 {
		return shapeError("rows", shape)
	}
	rows, columns := 1, x.Len()
	var err error
	if len(shape) == 2 {
		rows, columns = shape[0], shape[1]
		err = f.Resize(out[0], tensor.Float32, rows, o.width)
	} else {
		err = f.Resize(out[0], tensor.Float32, o.width)
	}
	if err != nil {
		return err
	}
	y := tensor.Data[float32](out[0])
	clear(y)
	for i := range rows {
		row := y[i*o.width : (i+1)*o.width]
		if o.strings != nil {
			countGrams(o, o.strings, tensor.Data[string](x)[i*columns:(i+1)*columns], row)
		} else {
			countGrams(o, o.ints, tensor.Data[int64](x)[i*columns:(i+1)*columns], row)
		}
	}
	o.weigh(y)
	return nil
}

// countGrams counts the n-grams of one row.
func countGrams[K comparable](o *TfIdfVectorizer, root *gram[K], items []K, row []float32) {
	for distance := 1; distance <= o.grams.Skip+1; distance++ {
		for i := range items {
			at := root
			for size, k := 1, i; size <= o.grams.Max && k < len(items); size, k = size+1, k+distance {
				if at = at.next[items[k]]; at == nil {
					break
				}
				// Single items are the same at any distance.
				if at.id >= 0 && (size > 1 || distance == 1) {
					row[o.grams.Columns[at.id]]++
				}
			}
		}
		if o.grams.Max == 1 || (o.grams.Max-1)*distance >= len(items) {
			return
		}
	}
}

// weigh makes scores of counts.
func (o *TfIdfVectorizer) weigh(y []float32) {
	if o.grams.Weighting == WeightTF {
		return
	}
	for i, n := range y {
		weight := float32(1)
		if o.weights != nil {
			weight = o.weights[i%o.width]
		}
		switch {
		case o.grams.Weighting == WeightTFIDF:
			y[i] = n * weight
		case n > 0:
			y[i] = weight
		}
	}
}
