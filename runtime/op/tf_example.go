package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/features/example"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// ExampleFeature is one feature that ParseExample takes out of tf.Examples.
type ExampleFeature struct {
	Name string
	// DType is Float32, Int64 or String.
	DType tensor.DType
	// Shape is that of a dense feature, for one example: nil for one value. Where its first dimension is graph.Any, examples may
	// have any number of values, and all are filled up to the longest.
	Shape []int
}

// ParseExample takes features out of serialized tf.Examples, the first input, a list of strings. The other inputs are what
// stands for dense features that an example lacks, one for each; those without elements may not be lacking.
//
// Outputs are, for the Sparse features, all indices, all elements, all shapes; then for the Dense ones a tensor each, the
// examples along its first dimension; then for the Ragged ones all elements, and all places where examples begin, and the end,
// which are of the type Splits.
type ParseExample struct {
	Sparse, Dense, Ragged []ExampleFeature
	Splits                []tensor.DType
	// index says, for each name, which features of all three have it.
	index map[string][]int
}

// NewParseExample returns the operator.
func NewParseExample(sparse, dense, ragged []ExampleFeature, splits []tensor.DType) ParseExample {
	o := ParseExample{Sparse: sparse, Dense: dense, Ragged: ragged, Splits: splits, index: map[string][]int{}}
	for k := range o.features() {
		name := o.feature(k).Name
		o.index[name] = append(o.index[name], k)
	}
	return o
}

// Name implements graph.Op.
func (ParseExample) Name() string { return "ParseExample" }

func (o *ParseExample) features() int { return len(o.Sparse) + len(o.Dense) + len(o.Ragged) }

func (o *ParseExample) feature(k int) *ExampleFeature {
	if k < len(o.Sparse) {
		return &o.Sparse[k]
	}
	if k -= len(o.Sparse); k < len(o.Dense) {
		return &o.Dense[k]
	}
	return &o.Ragged[k-len(o.Dense)]
}

// outputs is how many the operator has.
func (o *ParseExample) outputs() int { return 3*len(o.Sparse) + len(o.Dense) + 2*len(o.Ragged) }

// Run implements graph.Op.
func (o ParseExample) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1+len(o.Dense), 1+len(o.Dense)); err != nil {
		return err
	}
	messages, err := stringsOf(in[0])
	if err != nil {
		return err
	}
	if in[0].Rank() != 1 {
		return fmt.Errorf("takes a list of examples, not %v", in[0])
	}
	if len(out) != o.outputs() || len(o.Splits) != len(o.Ragged) {
		return fmt.Errorf("has %d outputs, not %d", o.outputs(), len(out))
	}
	const parts = 4 // of what is known of a feature: kind, start, end, number of values
	found := f.Scratch(0)
	if err := f.Resize(found, tensor.Int64, len(messages), o.features(), parts); err != nil {
		return err
	}
	p := examples{op: &o, messages: messages, found: tensor.Data[int64](found)}
	if err := p.find(); err != nil {
		return err
	}
	sparse, ragged := len(o.Sparse), len(o.Ragged)
	for k := range o.Sparse {
		if err := p.sparse(f, k, out[k], out[sparse+k], out[2*sparse+k]); err != nil {
			return err
		}
	}
	for k := range o.Dense {
		if err := p.dense(f, sparse+k, &o.Dense[k], in[1+k], out[3*sparse+k]); err != nil {
			return err
		}
	}
	first := 3*sparse + len(o.Dense)
	for k := range o.Ragged {
		if err := p.ragged(f, sparse+len(o.Dense)+k, o.Splits[k], out[first+k], out[first+ragged+k]); err != nil {
			return err
		}
	}
	return nil
}

// examples is one run of a ParseExample.
type examples struct {
	op       *ParseExample
	messages []string
	found    []int64
}

func kindOf(dtype tensor.DType) example.Kind {
	switch dtype {
	case tensor.String:
		return example.Strings
	case tensor.Float32:
		return example.Floats
	default:
		return example.Ints
	}
}

// at is what was found of a feature in an example.
func (p *examples) at(row, k int) []int64 { return p.found[(row*p.op.features()+k)*4:][:4] }

// list is a feature's in an example, and how many values it has. Its kind is None where the example lacks it.
func (p *examples) list(row, k int) (example.Feature, int) {
	at := p.at(row, k)
	return example.Feature{Kind: example.Kind(at[0]), Start: int(at[1]), End: int(at[2])}, int(at[3])
}

// find finds every feature in every example.
func (p *examples) find() error {
	clear(p.found)
	for row, message := range p.messages {
		err := example.Each(message, func(name string, f example.Feature) {
			for _, k := range p.op.index[name] {
				at := p.at(row, k)
				at[0], at[1], at[2] = int64(f.Kind), int64(f.Start), int64(f.End)
			}
		})
		if err != nil {
			return fmt.Errorf("example %d: %w", row, err)
		}
		for k := range p.op.features() {
			f, _ := p.list(row, k)
			if f.Kind == example.None {
				continue
			}
			want := p.op.feature(k)
			if f.Kind != kindOf(want.DType) {
				return fmt.Errorf("example %d: %w", row, &example.MismatchError{Name: want.Name, Got: f.Kind, Want: kindOf(want.DType)})
			}
			n, err := f.Len(message)
			if err != nil {
				return fmt.Errorf("example %d: the feature %.100q: %w", row, want.Name, err)
			}
			p.at(row, k)[3] = int64(n)
		}
	}
	return nil
}

// total is how many values a feature has in all examples, and in one at most.
func (p *examples) total(k int) (total, longest int) {
	for row := range p.messages {
		_, n := p.list(row, k)
		total, longest = total+n, max(longest, n)
	}
	return total, longest
}

// values puts a feature's values of one example into t, from the place on.
func (p *examples) values(t *tensor.Tensor, place, row, k int) error {
	f, n := p.list(row, k)
	message := p.messages[row]
	var err error
	switch t.DType() {
	case tensor.String:
		_, err = f.AppendStrings(tensor.Data[string](t)[place:place:place+n], message)
	case tensor.Float32:
		_, err = f.AppendFloats(tensor.Data[float32](t)[place:place:place+n], message)
	default:
		_, err = f.AppendInts(tensor.Data[int64](t)[place:place:place+n], message)
	}
	return err
}

func (p *examples) sparse(f *graph.Frame, k int, indices, values, shape *tensor.Tensor) error {
	total, longest := p.total(k)
	if err := f.Resize(indices, tensor.Int64, total, 2); err != nil {
		return err
	}
	if err := f.Resize(shape, tensor.Int64, 2); err != nil {
		return err
	}
	tensor.Data[int64](shape)[0], tensor.Data[int64](shape)[1] = int64(len(p.messages)), int64(longest)
	if err := f.Resize(values, p.op.feature(k).DType, total); err != nil {
		return err
	}
	places, at := tensor.Data[int64](indices), 0
	for row := range p.messages {
		_, n := p.list(row, k)
		if err := p.values(values, at, row, k); err != nil {
			return err
		}
		for i := range n {
			places[2*(at+i)], places[2*(at+i)+1] = int64(row), int64(i)
		}
		at += n
	}
	return nil
}

func (p *examples) ragged(f *graph.Frame, k int, dtype tensor.DType, values, splits *tensor.Tensor) error {
	total, _ := p.total(k)
	if err := f.Resize(values, p.op.feature(k).DType, total); err != nil {
		return err
	}
	if err := f.Resize(splits, dtype, len(p.messages)+1); err != nil {
		return err
	}
	at := 0
	for row := range len(p.messages) + 1 {
		if dtype == tensor.Int32 {
			tensor.Data[int32](splits)[row] = int32(at)
		} else {
			tensor.Data[int64](splits)[row] = int64(at)
		}
		if row == len(p.messages) {
			break
		}
		if err := p.values(values, at, row, k); err != nil {
			return err
		}
		_, n := p.list(row, k)
		at += n
	}
	return nil
}

// dense fills a tensor with a row for each example.
func (p *examples) dense(f *graph.Frame, k int, want *ExampleFeature, otherwise, y *tensor.Tensor) error {
	if otherwise.DType() != want.DType {
		return fmt.Errorf("the default of the feature %.100q is %v, and it takes %v", want.Name, otherwise, want.DType)
	}
	var buf dims
	if len(want.Shape) >= len(buf) {
		return fmt.Errorf("the feature %.100q has %d dimensions", want.Name, len(want.Shape))
	}
	shape := buf[:1+len(want.Shape)]
	shape[0] = len(p.messages)
	copy(shape[1:], want.Shape)
	variable := len(want.Shape) > 0 && want.Shape[0] == graph.Any
	if variable {
		part, err := productOf(want.Shape[1:])
		if err != nil || part == 0 {
			return fmt.Errorf("the feature %.100q has the shape %v", want.Name, want.Shape)
		}
		_, longest := p.total(k)
		shape[1] = (longest + part - 1) / part
	}
	if err := f.Resize(y, want.DType, shape...); err != nil {
		return err
	}
	width := tensor.Count(shape[1:])
	for row := range p.messages {
		if err := p.denseRow(y, row, k, width, want, otherwise, variable); err != nil {
			return fmt.Errorf("example %d: the feature %.100q %w", row, want.Name, err)
		}
	}
	return nil
}

// denseRow fills one row of so many elements.
func (p *examples) denseRow(y *tensor.Tensor, row, k, width int, want *ExampleFeature, otherwise *tensor.Tensor,
	variable bool,
) error {
	f, n := p.list(row, k)
	switch {
	case variable:
		if n%max(tensor.Count(want.Shape[1:]), 1) != 0 {
			return fmt.Errorf("has %d values, which do not fill the shape %v", n, want.Shape)
		}
		if otherwise.Len() != 1 && n < width {
			return fmt.Errorf("is filled up, and has no value for that")
		}
		for i := row*width + n; i < (row+1)*width; i++ {
			copyRow(y, i, otherwise, 0, 1)
		}
	case f.Kind == example.None && otherwise.Len() == width && width > 0:
		copyRow(y, row, otherwise, 0, width)
		return nil
	case f.Kind == example.None && otherwise.Len() == 1:
		for i := row * width; i < (row+1)*width; i++ {
			copyRow(y, i, otherwise, 0, 1)
		}
		return nil
	case f.Kind == example.None:
		return fmt.Errorf("is missing, and has no default")
	case n != width:
		return fmt.Errorf("has %d values, and takes %d", n, width)
	}
	return p.values(y, row*width, row, k)
}
