package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/features/example"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// maxRows is how many rows go into one run; more are run in pieces, so that a huge batch takes no more memory.
const maxRows = 1024

// maxValues is how many values an example may have, in all inputs together, and runValues how many the rows of one run. What a
// model says of its inputs takes a few bytes of its file, however many they are.
const (
	maxValues = 1 << 20
	runValues = 16 << 20
)

// network predicts with a graph: rows become tensors, all of them at once, and the outputs' numbers scores.
type network struct {
	program *engine.Program
	inputs  []input
	// shaped makes the inputs of the fields; nil where the fields are the inputs.
	shaped *shaped
	// example is the input that takes serialized tf.Example messages; nil where the inputs are tensors.
	examples *exampleInput
	fields   []Field
	// missing says that the graph has an operator for what is missing.
	missing bool
	// vector says that the only input is a vector, which a row may bring bare.
	vector bool
	scores []score
	score  int
	// rows is how many go into one run.
	rows int
	// uneven are the fields of which all rows of a run must have as many values: those of tensors of unknown size, and those that
	// would be filled up, so that a row's score depended on who else is in the batch.
	uneven  []int
	scratch sync.Pool // of *networkScratch
}

// networkScratch is what one prediction works in.
type networkScratch struct {
	run *engine.Run
	// single is the only row of a prediction that is no batch; out are its scores.
	single [1]Row
	out    []float64
	shape  []int
	// message holds serialized examples, which end at ends.
	message []byte
	ends    []int
	writer  example.Writer
	floats  []float32
}

// input is one of the program's, and where its values come from.
type input struct {
	name   string
	tensor int
	dtype  tensor.DType
	// shape is one example's, with graph.Any where that may differ; count is its product, or -1.
	shape []int
	count int
	// field is its place among the row's values, or among the feature set's outputs.
	field int
	// standIn is for rows that leave it out; nil where they must not.
	standIn *tensor.Tensor
}

// openGraph compiles a graph that a reader has made, binds its inputs to fields, and finds its scores.
func (l *loading) openGraph(ctx context.Context, g *graph.Graph) error {
	layers := weightLayers(g)
	l.model.description.Type = TypeLogisticRegression
	if layers > 1 {
		l.model.description.Type = TypeWideAndDeep
	}
	if layers > 1 && l.options.Type == TypeLogisticRegression {
		return loadError(contract.ReasonUnsupportedModel, l.name, fmt.Sprintf(
			"has %d layers of weights one after the other, and model type %s is for one; declare %s",
			layers, TypeLogisticRegression, TypeWideAndDeep))
	}
	l.describeGraph(g)
	made, missing := squashed(g), takesMissing(g)
	program, err := engine.Compile(ctx, g, engine.Options{})
	if err != nil {
		return fromEngine(ctx, l.name, err)
	}
	l.describeProgram(program)
	n := &network{program: program, rows: maxRows, score: -1, missing: missing}
	n.scratch.New = func() any {
		return &networkScratch{run: program.Acquire(), out: make([]float64, len(n.scores))}
	}
	set, file, err := l.networkFeatures(ctx, program.Inputs())
	if err != nil {
		return err
	}
	if err := l.bindInputs(n, set, file); err != nil {
		return err
	}
	warm, err := n.warmUp(ctx, l.name)
	if err != nil {
		return err
	}
	if err := l.bindScores(n, warm, made, set, file); err != nil {
		return err
	}
	l.model.predictor = n
	s := &l.model.signature
	s.Fields, s.Score = n.fields, n.score
	if n.vector {
		s.Features, s.Missing = n.inputs[0].count, missing
	}
	return nil
}

// bindInputs finds out what each input is filled with.
func (l *loading) bindInputs(n *network, set *features.Set, file string) error {
	if messages := n.program.Example(); messages != nil {
		if err := n.bindExample(messages, l.name); err != nil {
			return err
		}
	}
	for i, in := range n.program.Inputs() {
		bound, err := newInput(i, in, l.name, &n.rows)
		if err != nil {
			return err
		}
		n.inputs = append(n.inputs, bound)
	}
	if err := n.checkWidth(l.name); err != nil {
		return err
	}
	if n.examples != nil {
		if set != nil && len(set.Outputs()) > 0 {
			return loadError(contract.ReasonArtifactMalformed, file,
				"makes inputs, and the model takes tf.Example messages, whose features are the request's fields; keep only 'output'")
		}
		return nil
	}
	if set != nil && len(set.Outputs()) > 0 {
		if err := n.bindSet(set, file); err != nil {
			return err
		}
		n.shaped = newShaped(set)
		n.fields = n.shaped.fields
	} else {
		n.bindFields()
	}
	floats := len(n.inputs) > 0 && (n.inputs[0].dtype == tensor.Float32 || n.inputs[0].dtype == tensor.Float64)
	n.vector = len(n.inputs) == 1 && floats && len(n.inputs[0].shape) == 1 && n.inputs[0].count > 0
	return nil
}

// newInput looks at one of the program's inputs, whose first dimension is the batch's.
func newInput(place int, in graph.Input, file string, rows *int) (input, error) {
	bound := input{name: in.Name, tensor: place, dtype: in.DType, count: 1, standIn: in.Default}
	if len(in.Shape) > 0 {
		switch batch := in.Shape[0]; {
		case batch == 1:
			*rows = 1
		case batch != graph.Any:
			return bound, loadError(contract.ReasonUnsupportedModel, file, fmt.Sprintf(
				"was exported for batches of %d (input %q); export it with a batch of any size", batch, in.Name))
		}
		bound.shape = append(bound.shape, in.Shape[1:]...)
	}
	unknown := 0
	for _, size := range bound.shape {
		switch {
		case size == graph.Any:
			unknown++
			bound.count = -1
		case size < 0 || size > math.MaxInt32 || bound.count > math.MaxInt32/max(size, 1):
			return bound, loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf("has an input %q of shape %v", in.Name, in.Shape))
		case bound.count >= 0:
			bound.count *= size
		}
	}
	if unknown > 1 {
		return bound, loadError(contract.ReasonUnsupportedModel, file, fmt.Sprintf(
			"has an input %q of shape %v; besides the batch, one size at most may be unknown", in.Name, in.Shape))
	}
	return bound, nil
}

// checkWidth holds how many values an example has against what there may be, before there is memory for them.
func (n *network) checkWidth(file string) error {
	total := 0
	for i := range n.inputs {
		in := &n.inputs[i]
		width := leastValues(in.shape)
		if in.standIn != nil {
			width = max(width, in.standIn.Len())
		}
		total += width
	}
	for i := range n.fields {
		total += leastValues(n.fields[i].Shape)
	}
	if total > maxValues {
		return loadError(contract.ReasonArtifactTooLarge, file, fmt.Sprintf(
			"takes more than %d values for one example; publish a model that takes places instead of one-hot vectors",
			maxValues))
	}
	n.rows = min(n.rows, max(1, runValues/max(1, total)))
	return nil
}

// leastValues is how many values a shape has, where a size that may differ is 1; beyond maxValues it is any number beyond.
func leastValues(shape []int) int {
	values := 1
	for _, size := range shape {
		if size > maxValues {
			return maxValues + 1
		}
		if size != graph.Any {
			values *= size
		}
		if values > maxValues {
			return maxValues + 1
		}
	}
	return values
}

// bindFields makes each input a field.
func (n *network) bindFields() {
	for i := range n.inputs {
		in := &n.inputs[i]
		in.field = i
		if in.count < 0 {
			n.uneven = append(n.uneven, i)
		}
		n.fields = append(n.fields, Field{
			Name: in.name, Kind: kindOf(in.dtype), Required: in.standIn == nil, Shape: in.shape,
			Missing: n.missing && kindOf(in.dtype) == Number,
		})
	}
}

func kindOf(dtype tensor.DType) Kind {
	switch dtype {
	case tensor.Float32, tensor.Float64:
		return Number
	case tensor.String:
		return String
	default:
		return Integer
	}
}

// bindSet holds a feature set against the inputs.
func (n *network) bindSet(set *features.Set, file string) error {
	outputs := set.Outputs()
	places := map[string]int{}
	for i, output := range outputs {
		places[output.Name] = i
	}
	if _, bare := places[""]; bare && len(n.inputs) == 1 {
		places = map[string]int{n.inputs[0].name: 0}
	}
	var names []string
	for i := range n.inputs {
		in := &n.inputs[i]
		names = append(names, in.name)
		place, ok := places[in.name]
		switch {
		case !ok && in.standIn != nil:
			in.field = -1
			continue
		case !ok:
			return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
				"lacks the input %q, which the model takes as %s", in.name, in))
		}
		delete(places, in.name)
		if !in.fits(&outputs[place]) {
			return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
				"makes the input %q %d of type %v, and the model takes it as %s", in.name, outputs[place].Width, outputs[place].Kind, in))
		}
		in.field = place
	}
	for name := range places {
		return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
			"makes the input %q, which the model has not; its inputs are: %s", name, list(names)))
	}
	return nil
}

// String is the input's type and shape in messages: "float32, 6 to an example".
func (in *input) String() string {
	switch {
	case in.count < 0:
		return fmt.Sprintf("%v, any number of them to an example", in.dtype)
	case in.count == 1:
		return fmt.Sprintf("%v, one to an example", in.dtype)
	default:
		return fmt.Sprintf("%v, %d to an example", in.dtype, in.count)
	}
}

// fits says whether features can be the input's values: integers may be numbers, too.
func (in *input) fits(output *features.Output) bool {
	if in.count >= 0 && in.count != output.Width {
		return false
	}
	switch kindOf(in.dtype) {
	case Number:
		return output.Kind == features.Number || output.Kind == features.Integer
	case String:
		return output.Kind == features.String
	default:
		return output.Kind == features.Integer && in.dtype != tensor.Bool
	}
}

// one implements predictor.
func (n *network) one(row *Row) (float64, error) {
	scratch := n.acquire()
	defer n.release(scratch)
	scratch.single[0] = *row
	if err := n.run(scratch, scratch.single[:]); err != nil {
		return 0, err
	}
	return n.read(scratch, &n.scores[n.score], scratch.single[:], 0)
}

// row implements predictor.
func (n *network) row(row *Row, out []float64) error {
	scratch := n.acquire()
	defer n.release(scratch)
	scratch.single[0] = *row
	if err := n.run(scratch, scratch.single[:]); err != nil {
		return err
	}
	for i := range n.scores {
		var err error
		if out[i], err = n.read(scratch, &n.scores[i], scratch.single[:], 0); err != nil {
			return err
		}
	}
	return nil
}

// batch implements predictor.
func (n *network) batch(rows []Row, out []float64) error {
	return n.pieces(rows, func(scratch *networkScratch, begin, end int) error {
		for i := range rows[begin:end] {
			var err error
			if out[begin+i], err = n.read(scratch, &n.scores[n.score], rows[begin:end], i); err != nil {
				return atRow(err, i)
			}
		}
		return nil
	})
}

// all implements predictor.
func (n *network) all(rows []Row, out []float64) error {
	return n.pieces(rows, func(scratch *networkScratch, begin, end int) error {
		for i := range rows[begin:end] {
			for k := range n.scores {
				var err error
				if out[(begin+i)*len(n.scores)+k], err = n.read(scratch, &n.scores[k], rows[begin:end], i); err != nil {
					return atRow(err, i)
				}
			}
		}
		return nil
	})
}

func (n *network) acquire() *networkScratch { return n.scratch.Get().(*networkScratch) }

// release forgets what belongs to the caller.
func (n *network) release(scratch *networkScratch) {
	scratch.single[0] = Row{}
	scratch.run.Forget()
	n.scratch.Put(scratch)
}

// pieces runs rows in pieces that fit into one run each, and has each piece's scores read.
func (n *network) pieces(rows []Row, read func(scratch *networkScratch, begin, end int) error) error {
	scratch := n.acquire()
	defer n.release(scratch)
	most := n.rows
	for begin := 0; begin < len(rows); {
		end := min(begin+most, len(rows))
		if len(n.uneven) > 0 {
			end = begin + n.alike(rows[begin:end])
		}
		err := n.run(scratch, rows[begin:end])
		if errors.Is(err, errTooMany) {
			most = (end - begin) / 2
			continue
		}
		if err == nil {
			err = read(scratch, begin, end)
		}
		if input, ok := errors.AsType[*InputError](err); ok {
			input.Index += begin
		}
		if err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// alike is how many of the rows, from the first one on, have values of the same number.
func (n *network) alike(rows []Row) int {
	for i := range rows[1:] {
		for _, field := range n.uneven {
			if length(&rows[0], field) != length(&rows[i+1], field) {
				return i + 1
			}
		}
	}
	return len(rows)
}

// length is how many values a row has of a field; -1 where it is not set.
func length(row *Row, field int) int {
	if field >= len(row.Values) || !row.Values[field].Set {
		return -1
	}
	v := &row.Values[field]
	return max(len(v.Strs), len(v.Nums), len(v.Ints))
}

// errTooMany says that several rows together take more memory than a run may.
var errTooMany = errors.New("too many rows for one run")

// run fills the inputs and computes the outputs. Where that takes too much memory for several rows, it is errTooMany; where it
// fails for them otherwise, they are run one by one, to find the one to blame.
func (n *network) run(scratch *networkScratch, rows []Row) error {
	if err := n.fill(scratch, rows); err != nil {
		return err
	}
	err := scratch.run.Do()
	if err == nil {
		return nil
	}
	if _, large := errors.AsType[*graph.TooLargeError](err); large && len(rows) > 1 {
		return errTooMany
	}
	for i := range rows {
		if err := n.fill(scratch, rows[i:i+1]); err != nil {
			return atRow(err, i)
		}
		if err := scratch.run.Do(); err != nil {
			return atRow(n.blame(&rows[i], "is not possible: "+err.Error()), i)
		}
	}
	return fmt.Errorf("the model computes each of %d rows, but not all of them together: %w", len(rows), err)
}

// read is a score of the i-th row.
func (n *network) read(scratch *networkScratch, s *score, rows []Row, i int) (float64, error) {
	out := scratch.run.Output(s.output)
	each := out.Len() / len(rows)
	at := i*each + s.index
	if s.index >= each || each*len(rows) != out.Len() {
		return 0, n.blame(&rows[i], fmt.Sprintf("makes the output %q one of shape %v", s.outputName, out.Shape()))
	}
	x := 0.0
	switch out.DType() {
	case tensor.Float32:
		x = float64(tensor.Data[float32](out)[at])
	case tensor.Float64:
		x = tensor.Data[float64](out)[at]
	}
	if x*0 != 0 {
		return 0, n.blame(&rows[i], "is out of the model's range")
	}
	return x, nil
}

// blame is the error about a row whose score cannot be computed: it names the largest number among its inputs.
func (n *network) blame(row *Row, message string) error {
	largest, field := 0.0, ""
	look := func(name string, x float64) {
		if size := math.Abs(x); size > largest || math.IsNaN(x) {
			largest, field = size, name
		}
	}
	for _, x := range row.Features {
		look(FieldFeatures, x)
	}
	for i := range min(len(n.fields), len(row.Values)) {
		name, v := n.fields[i].Name, &row.Values[i]
		look(name, v.Num)
		look(name, float64(v.Int))
		for _, x := range v.Nums {
			look(name, x)
		}
		for _, x := range v.Ints {
			look(name, float64(x))
		}
	}
	if field == "" {
		message = "the model has no answer to these inputs: " + message
	}
	return &InputError{Field: field, Message: message}
}
