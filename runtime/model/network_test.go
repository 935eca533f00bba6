package model

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

var sharedTokenizer = sync.OnceValues(features.LoadTokenizer)

// build opens a graph that was made by hand, with a feature file if there is one.
func build(t testing.TB, g *graph.Graph, text string, options Options) (*Model, error) {
	t.Helper()
	options.Tokenizer = sharedTokenizer
	l := &loading{artifact: &artifact{name: "m", format: &format{name: "test"}}, options: options, model: &Model{}}
	if text != "" {
		l.features, l.text = featuresFile, []byte(text)
	}
	if err := l.openGraph(t.Context(), g); err != nil {
		return nil, err
	}
	l.describe()
	return l.model, nil
}

// wideDeep is a small network: sigmoid(wide·[1 2] + rows[id]·[1 1] + bias).
func wideDeep(t testing.TB) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder()
	wide := b.Input(graph.Input{Name: "wide", DType: tensor.Float32, Shape: []int{graph.Any, 2}})
	id := b.Input(graph.Input{Name: "id", DType: tensor.Int32, Shape: []int{graph.Any, 1}})
	bias := b.Input(graph.Input{Name: "bias", DType: tensor.Float32, Shape: []int{graph.Any, 1},
		Default: tensor.Of([]float32{0.5}, 1)})
	table := b.Constant(tensor.Of([]float32{0, 0, 1, 10, 2, 20}, 3, 2))
	rows := b.Add("lookup", op.Gather{Axis: 0}, table, id)
	flat := b.Add("flatten", op.Flatten{Axis: 1}, rows)
	all := b.Add("join", op.Concat{Axis: 1}, wide, flat)
	weights := b.Constant(tensor.Of([]float32{1, 2, 1, 1}, 4, 1))
	z := b.Add("dense", op.MatMul{}, all, weights)
	z = b.Add("dense", op.Add{}, z, bias)
	b.Output(graph.Output{Name: "p", Value: b.Add("dense", op.Sigmoid{}, z)})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func wideDeepRow(a, b float64, id int64) *Row {
	return &Row{Values: []Value{{Set: true, Nums: []float64{a, b}}, {Set: true, Int: id}, {}}}
}

func TestNetwork(t *testing.T) {
	m, err := build(t, wideDeep(t), "", Options{Type: TypeWideAndDeep})
	if err != nil {
		t.Fatal(err)
	}
	s := m.Signature()
	if len(s.Fields) != 3 || s.Fields[1].Kind != Integer || s.Fields[2].Required || s.Features != 0 || s.Scores[0] != ScoreName {
		t.Errorf("%+v", s)
	}
	rows := []Row{*wideDeepRow(.1, .2, 0), *wideDeepRow(-1, -5, 1), *wideDeepRow(-20, 0, 2)}
	rows[2].Values[2] = Value{Set: true, Num: -2}
	rows[2].Values[1] = Value{Set: true, Ints: []int64{2}}
	want := []float64{sigmoid(.1 + .4 + .5), sigmoid(-1 - 10 + 11 + .5), sigmoid(-20 + 22 - 2)}
	batch := make([]float64, 3)
	if err := m.PredictBatch(rows, batch); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		p, err := m.Predict(&rows[i])
		if err != nil || !(math.Abs(p-want[i]) < 1e-6) || p != batch[i] {
			t.Errorf("row %d: got %v, %v, in the batch %v; want %v", i, p, err, batch[i], want[i])
		}
	}
	// A batch of more rows than go into one run.
	many, out := make([]Row, 2*maxRows+7), make([]float64, 2*maxRows+7)
	for i := range many {
		many[i] = rows[i%3]
	}
	if err := m.PredictBatch(many, out); err != nil || out[2*maxRows+6] != batch[(2*maxRows+6)%3] {
		t.Errorf("got %v, %v", out[2*maxRows+6], err)
	}
	many[maxRows+3] = *wideDeepRow(1, 1, 3)
	var input *InputError
	if err := m.PredictBatch(many, out); !errors.As(err, &input) || input.Index != maxRows+3 || input.Field != "id" {
		t.Errorf("got %v, want the index %d", err, maxRows+3)
	}
	if d := m.Describe(); d.Parameters != 10 || d.Type != TypeWideAndDeep || len(d.Operators) == 0 || d.Layers[3].Name != "dense" ||
		d.Layers[3].Parameters != 4 {
		t.Errorf("%+v", d)
	}
}

func TestNetworkRefusesInputs(t *testing.T) {
	m, err := build(t, wideDeep(t), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	long, wrong, missing := wideDeepRow(1, 2, 0), wideDeepRow(1, 2, 0), wideDeepRow(1, 2, 0)
	long.Values[0].Nums = []float64{1, 2, 3}
	wrong.Values[0] = Value{Set: true, Num: 1}
	missing.Values[1] = Value{}
	for name, c := range map[string]struct {
		row            *Row
		field, message string
	}{
		"too long":       {long, "wide", "must have 2 values, not 3"},
		"a single one":   {wrong, "wide", "must have 2 values, not 0"},
		"missing":        {missing, "id", "is missing"},
		"no row of it":   {wideDeepRow(1, 2, 7), "id", "is not possible"},
		"beyond int32":   {wideDeepRow(1, 2, 1<<40), "id", "cannot hold"},
		"beyond float32": {wideDeepRow(1e300, 2, 0), "wide", "cannot hold"},
		"NaN":            {wideDeepRow(math.NaN(), 2, 0), "wide", "range"},
		"a bare vector":  {&Row{Features: []float64{1, 2}}, "", "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := m.Predict(c.row)
			var input *InputError
			if !errors.As(err, &input) || c.field != "" && input.Field != c.field || !strings.Contains(input.Message, c.message) {
				t.Errorf("got %v, %v; want %s: …%s…", p, err, c.field, c.message)
			}
		})
	}
}

func TestNetworkWithFeatures(t *testing.T) {
	text := `
fields: {query: string, position: number, day: {type: integer, default: 1}}
inputs:
  wide: {features: [position, {length: query}], mean: [1, 0], scale: [2, 1]}
  id: day
`
	m, err := build(t, wideDeep(t), text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	row := &Row{Values: []Value{{Set: true, Str: "éa"}, {Set: true, Num: -27}, {}}}
	want := sigmoid(-14 + 4 + 11 + .5)
	out := make([]float64, 2)
	p, err := m.Predict(row)
	if err != nil || !(math.Abs(p-want) < 1e-6) || m.PredictBatch([]Row{*row, *row}, out) != nil || out[1] != p {
		t.Errorf("got %v, %v, %v; want %v", p, out, err, want)
	}
	var input *InputError
	row.Values[1].Num = 1e300
	if err := m.PredictBatch([]Row{{Values: []Value{{Set: true}, {Set: true}, {}}}, *row}, out); !errors.As(err, &input) ||
		input.Field != "position" || input.Index != 1 {
		t.Errorf("got %v", err)
	}
	const fields = "fields: {query: string, position: number, day: integer}\n"
	for text, words := range map[string]string{
		"inputs: {wide: [position, position]}":                  `lacks the input "id", which the model takes as int32, one to an example`,
		"inputs: {wide: [position], id: day}":                   `makes the input "wide" 1 of type number, and the model takes it as float32, 2`,
		"inputs: {wide: [position, day], id: position}":         `makes the input "id" 1 of type number`,
		"inputs: {wide: [query, query], id: day}":               "of type string",
		"inputs: {wide: [position, day], id: day, deep: [day]}": `"deep", which the model has not; its inputs are: wide, id, bias`,
		"features: [position]":                                  `lacks the input "wide"`,
	} {
		_, err := build(t, wideDeep(t), fields+text, Options{})
		var load *LoadError
		if !errors.As(err, &load) || load.Reason != contract.ReasonArtifactMalformed || !strings.Contains(err.Error(), words) {
			t.Errorf("%s\ngot  %v\nwant …%s…", text, err, words)
		}
	}
}

// linear makes outputs of one vector of three numbers.
func linear(t testing.TB, width int, outputs ...func(b *graph.Builder, z graph.Value)) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any, 3}})
	weights := make([]float32, 3*width)
	for i := range weights {
		weights[i] = float32(i)
	}
	z := b.Add("dense", op.MatMul{}, x, b.Constant(tensor.Of(weights, 3, width)))
	for _, output := range outputs {
		output(b, z)
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestNetworkScores(t *testing.T) {
	soft := func(role graph.Role, labels ...string) func(*graph.Builder, graph.Value) {
		return func(b *graph.Builder, z graph.Value) {
			p := b.Add("p", op.Softmax{Axis: -1}, z)
			b.Output(graph.Output{Name: "probabilities", Value: b.Add("same", op.Identity{}, p), Role: role, Labels: labels})
		}
	}
	raw := func(name string, role graph.Role) func(*graph.Builder, graph.Value) {
		return func(b *graph.Builder, z graph.Value) { b.Output(graph.Output{Name: name, Value: z, Role: role}) }
	}
	label := func(b *graph.Builder, z graph.Value) {
		b.Output(graph.Output{Name: "label", Value: b.Add("l", op.ArgMax{}, z), Role: graph.Unknown})
	}
	for name, c := range map[string]struct {
		g        *graph.Graph
		features string
		scores   []string
		score    int
		bounded  bool
		value    float64
	}{
		"one number":            {linear(t, 1, raw("y", graph.Unknown)), "", []string{ScoreName}, 0, false, 3},
		"a regressor's":         {linear(t, 1, raw("y", graph.Regression)), "", []string{ScoreName}, 0, false, 3},
		"softmax of two":        {linear(t, 2, soft(graph.Unknown)), "", []string{ScoreName}, 0, true, 1 / (1 + math.Exp(-3))},
		"probabilities of two":  {linear(t, 2, raw("y", graph.Probability)), "", []string{ScoreName}, 0, true, 9},
		"two numbers":           {linear(t, 2, raw("y", graph.Unknown)), "", []string{"y[0]", "y[1]"}, -1, false, 0},
		"one of two numbers":    {linear(t, 2, raw("y", graph.Unknown)), "output: {name: y, index: 0}", []string{"y[0]", "y[1]"}, 0, false, 6},
		"classes":               {linear(t, 3, soft(graph.Probability, "no", "view", "click")), "", []string{"no", "view", "click"}, -1, true, 0},
		"a class":               {linear(t, 3, soft(graph.Unknown, "no", "view", "click")), "output: click", []string{"no", "view", "click"}, 2, true, 0},
		"beside logits":         {linear(t, 1, raw("z", graph.Other), raw("y", graph.Unknown)), "", []string{ScoreName}, 0, false, 3},
		"beside a probability":  {linear(t, 2, raw("z", graph.Unknown), soft(graph.Probability), label), "", []string{ScoreName}, 0, true, 1 / (1 + math.Exp(-3))},
		"logits, as asked for":  {linear(t, 1, raw("z", graph.Other), raw("y", graph.Unknown)), "output: z", []string{"z", "y"}, 0, false, 3},
		"two outputs":           {linear(t, 1, raw("a", graph.Unknown), raw("b", graph.Unknown)), "", []string{"a", "b"}, -1, false, 0},
		"the second of outputs": {linear(t, 1, raw("a", graph.Unknown), raw("b", graph.Unknown)), "output: b", []string{"a", "b"}, 1, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := build(t, c.g, c.features, Options{Type: TypeLogisticRegression})
			if err != nil {
				t.Fatal(err)
			}
			s := m.Signature()
			if strings.Join(s.Scores, " ") != strings.Join(c.scores, " ") || s.Score != c.score || s.Bounded != c.bounded || s.Features != 3 {
				t.Fatalf("got %+v, want %v, %d, bounded %v", s, c.scores, c.score, c.bounded)
			}
			all := make([]float64, 2*len(s.Scores))
			row := Row{Features: []float64{1, 1, 1}}
			if err := m.PredictAll([]Row{row, row}, all); err != nil {
				t.Fatal(err)
			}
			if s.Score < 0 {
				if err := m.OneScore(); err == nil {
					t.Error("a score is served that nobody chose")
				}
				return
			}
			p, err := m.Predict(&row)
			if err != nil || p != all[len(s.Scores)+s.Score] || c.value != 0 && !(math.Abs(p-c.value) < 1e-6) {
				t.Errorf("got %v, %v, in a batch %v; want %v", p, err, all, c.value)
			}
		})
	}
	_, err := build(t, linear(t, 1, label), "", Options{})
	var load *LoadError
	if !errors.As(err, &load) || load.Reason != contract.ReasonUnsupportedModel || !strings.Contains(err.Error(), "outputs are: label") {
		t.Errorf("got %v", err)
	}
}

func TestNetworkTypes(t *testing.T) {
	_, err := build(t, wideDeep(t), "", Options{Type: TypeLogisticRegression})
	var load *LoadError
	if !errors.As(err, &load) || load.Reason != contract.ReasonUnsupportedModel || !strings.Contains(err.Error(), "declare WideAndDeep") {
		t.Errorf("got %v", err)
	}
	// What cannot be computed is found when it is loaded.
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any, 3}})
	b.Output(graph.Output{Name: "y", Value: b.Add("dense", op.MatMul{}, x, b.Constant(tensor.Of(make([]float32, 8), 4, 2)))})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(t, g, "", Options{}); !errors.As(err, &load) || load.Reason != contract.ReasonArtifactMalformed ||
		!strings.Contains(err.Error(), "dense (") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkNetwork(b *testing.B) {
	m, err := build(b, wideDeep(b), "", Options{})
	if err != nil {
		b.Fatal(err)
	}
	row := wideDeepRow(.1, .2, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(row); err != nil {
			b.Fatal(err)
		}
	}
}

// kinds is a network with an input of every type: the sum of their numbers, and of the codes of texts.
func kinds(t testing.TB) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder()
	f64 := b.Input(graph.Input{Name: "f64", DType: tensor.Float64, Shape: []int{graph.Any}})
	i64 := b.Input(graph.Input{Name: "i64", DType: tensor.Int64, Shape: []int{graph.Any, 2}})
	flag := b.Input(graph.Input{Name: "flag", DType: tensor.Bool, Shape: []int{graph.Any}, Default: tensor.Of([]bool{true})})
	text := b.Input(graph.Input{Name: "text", DType: tensor.String, Shape: []int{graph.Any, 1}})
	many := b.Input(graph.Input{Name: "many", DType: tensor.Float32, Shape: []int{graph.Any, graph.Any, 2}})
	axes := func(axes ...int64) graph.Value { return b.Constant(tensor.Of(axes, len(axes))) }
	sum := func(name string, v graph.Value, over ...int64) graph.Value {
		return b.Add(name, op.ReduceSum{}, b.Add(name, op.Cast{To: tensor.Float64}, v), axes(over...))
	}
	is := b.Add("is a", op.Equal{}, text, b.Constant(tensor.Of([]string{"a"})))
	total := b.Add("total", op.Sum{}, f64, sum("i64", i64, 1), sum("text", is, 1), sum("many", many, 1, 2),
		b.Add("flag", op.Cast{To: tensor.Float64}, flag))
	b.Output(graph.Output{Name: "total", Value: total, Role: graph.Regression})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestNetworkKinds(t *testing.T) {
	m, err := build(t, kinds(t), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Signature(); s.Fields[2].Kind != Integer || s.Fields[4].Count() != -1 || s.Bounded {
		t.Errorf("%+v", s)
	}
	row := func(many ...float64) Row {
		return Row{Values: []Value{
			{Set: true, Num: .5}, {Set: true, Ints: []int64{1 << 40, 2}}, {Set: true, Int: 0}, {Set: true, Str: "a"},
			{Set: true, Nums: many},
		}}
	}
	const base = .5 + 1<<40 + 2 + 1
	// Rows of different sizes are run apart, and nobody notices.
	rows := []Row{row(1, 2), row(3, 4), row(1, 2, 3, 4), row(), row(5, 6)}
	rows[1].Values[2] = Value{}
	rows[2].Values[3] = Value{Set: true, Strs: []string{"b"}}
	out := make([]float64, len(rows))
	if err := m.PredictBatch(rows, out); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{base + 3, base + 8, base + 9, base, base + 11} {
		if p, err := m.Predict(&rows[i]); err != nil || p != want || out[i] != want {
			t.Errorf("row %d: got %v, %v, in the batch %v; want %v", i, p, err, out[i], want)
		}
	}
	for name, c := range map[string]struct {
		field   int
		value   Value
		message string
	}{
		"flag of 2":     {2, Value{Set: true, Int: 2}, "flag: has 2, which the model's bool cannot hold"},
		"two flags":     {2, Value{Set: true, Ints: []int64{1, 0}}, "flag: must have 1 values, not 2"},
		"three texts":   {3, Value{Set: true, Strs: []string{"a", "b", "c"}}, "text: must have 1 values, not 3"},
		"no text":       {3, Value{}, "text: is missing"},
		"half a row":    {4, Value{Set: true, Nums: []float64{1, 2, 3}}, "many: has 3 values, which the shape [-1 2] has no place for"},
		"none of many":  {4, Value{}, "many: is missing"},
		"one integer":   {1, Value{Set: true, Ints: []int64{1}}, "i64: must have 2 values, not 1"},
		"infinite":      {0, Value{Set: true, Num: math.Inf(1)}, "f64: is out of the model's range"},
		"too large":     {4, Value{Set: true, Nums: []float64{1e39, 0}}, "many: has 1e+39, which the model's float32 cannot hold"},
		"no such flags": {2, Value{Set: true, Ints: []int64{3}}, "flag: has 3"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := row(1, 2)
			bad.Values[c.field] = c.value
			err := m.PredictBatch([]Row{row(1, 2), bad}, out[:2])
			var input *InputError
			if !errors.As(err, &input) || input.Index != 1 || !strings.HasPrefix(input.Error(), c.message) {
				t.Errorf("got %v, want row 1: %s", err, c.message)
			}
		})
	}
}

func TestNetworkKindsOfFeatures(t *testing.T) {
	m, err := build(t, kinds(t), `
fields: {x: number, n: integer, s: string}
inputs: {f64: x, i64: [n, 2], text: s, many: [x, n, 1, 1]}
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	row := Row{Values: []Value{{Set: true, Num: .25}, {Set: true, Int: 7}, {Set: true, Str: "a"}}}
	want := .25 + 9 + 1 + (.25 + 7 + 2) + 1 // the flag's default
	out := make([]float64, 2)
	if p, err := m.Predict(&row); err != nil || p != want || m.PredictBatch([]Row{row, row}, out) != nil || out[1] != want {
		t.Errorf("got %v, %v, %v; want %v", p, out, err, want)
	}
	if _, err := build(t, kinds(t), "fields: {n: integer}\ninputs: {flag: n, f64: n, i64: [n, n], text: n, many: [n, n]}", Options{}); err == nil {
		t.Error("a flag is made of an integer, and a text of a number")
	}
}

func TestNetworkInputsRefused(t *testing.T) {
	for name, shape := range map[string][]int{
		"export it with a batch of any size": {5, 1},
		"one size at most may be unknown":    {graph.Any, graph.Any, graph.Any},
		"size -7":                            {graph.Any, -7},
	} {
		b := graph.NewBuilder()
		x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: shape})
		b.Output(graph.Output{Name: "y", Value: b.Add("y", op.Relu{}, x)})
		g, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := build(t, g, "", Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: got %v", shape, err)
		}
	}
	// A graph that was exported for one example is asked for one at a time.
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{1, 2}})
	b.Output(graph.Output{Name: "y", Value: b.Add("y", op.Reshape{}, b.Add("y", op.MatMul{}, x, b.Constant(tensor.Of([]float32{1, 2}, 2, 1))),
		b.Constant(tensor.Of([]int64{1, 1}, 2)))})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m, err := build(t, g, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, 3)
	rows := []Row{{Features: []float64{1, 1}}, {Features: []float64{2, 1}}, {Features: []float64{0, 1}}}
	if err := m.PredictBatch(rows, out); err != nil || out[0] != 3 || out[1] != 4 || out[2] != 2 {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestInputsThatNoRequestHasAreRefused(t *testing.T) {
	const huge = math.MaxInt32
	for _, shape := range [][]int{{graph.Any, huge}, {graph.Any, 2048, 1024}, {graph.Any, graph.Any, huge}, {graph.Any, graph.Any, huge, huge, huge}} {
		b := graph.NewBuilder()
		x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: shape})
		b.Output(graph.Output{Name: "y", Value: b.Add("y", op.Relu{}, x)})
		g, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		_, err = build(t, g, "", Options{})
		if load, ok := errors.AsType[*LoadError](err); !ok || load.Reason != contract.ReasonArtifactTooLarge {
			t.Errorf("%v: got %v", shape, err)
		}
	}
	n := &network{rows: maxRows, fields: []Field{{Name: "x", Shape: []int{huge, huge}}}}
	if err := n.checkWidth("m"); err == nil {
		t.Error("a field of a message may be as large as it says")
	}
	n = &network{rows: maxRows, inputs: []input{{shape: []int{1 << 18}}}}
	if err := n.checkWidth("m"); err != nil || n.rows != 64 {
		t.Errorf("got %v, %d rows to a run", err, n.rows)
	}
}

func TestBatchesOfWideModelsAreRunInSmallPieces(t *testing.T) {
	const width = 1 << 16
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any, 1}})
	wide := b.Add("wide", op.Expand{}, x, b.Constant(tensor.Of([]int64{1, width}, 2)))
	sum := b.Add("sum", op.ReduceSum{KeepDims: true}, wide, b.Constant(tensor.Of([]int64{1}, 1)))
	b.Output(graph.Output{Name: "y", Value: sum})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m, err := build(t, g, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	const most = 128 << 20
	if rows := m.predictor.(*network).rows; rows*width*4 > most || rows*width*4 < most/2 {
		t.Errorf("%d rows to a run", rows)
	}
}

// TestBatchesThatAreTooLargeTogether has a graph in which the largest number of a batch is how much each row takes.
func TestBatchesThatAreTooLargeTogether(t *testing.T) {
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Int64, Shape: []int{graph.Any, 1}})
	depth := b.Add("depth", op.ReduceMax{}, x)
	wide := b.Add("wide", op.OneHot{Axis: -1}, x, depth, b.Constant(tensor.Of([]float32{1, 2}, 2)))
	first := b.Add("first", op.ReduceMax{}, wide, b.Constant(tensor.Of([]int64{2}, 1)))
	b.Output(graph.Output{Name: "y", Value: first})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m, err := build(t, g, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]Row, 8)
	for i := range rows {
		rows[i] = Row{Values: []Value{{Set: true, Int: 1}}}
	}
	rows[5].Values[0].Int = 3_000_000
	out := make([]float64, len(rows))
	if err := m.PredictBatch(rows, out); err != nil || out[0] == 0 || out[5] == 0 || out[7] == 0 {
		t.Errorf("got %v, %v", out, err)
	}
	rows[5].Values[0].Int = 1 << 40
	err = m.PredictBatch(rows, out)
	if input, ok := errors.AsType[*InputError](err); !ok || input.Index != 5 {
		t.Errorf("got %v", err)
	}
}
