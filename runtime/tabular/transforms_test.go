package tabular_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

func text(s string) tabular.Cell { return tabular.Cell{Kind: tabular.Text, Str: s} }

func number(x float64) tabular.Cell { return tabular.Cell{Num: x} }

func none() tabular.Cell { return tabular.Cell{Kind: tabular.None} }

// mixed and sparse are rows; a sparse one is made of one with zeros.
func mixed(cells ...tabular.Cell) *tabular.Row {
	return &tabular.Row{Form: tabular.Mixed, Cells: cells}
}

func full(numbers ...float64) *tabular.Row { return &tabular.Row{Numbers: numbers} }

func sparse(numbers ...float64) *tabular.Row {
	row := &tabular.Row{Form: tabular.Sparse}
	for column, value := range numbers {
		if value != 0 {
			row.Put(column, value)
		}
	}
	return row
}

// run applies a transform twice, so that what a first row leaves behind would show, and makes all columns of a Sparse row.
func run(t *testing.T, transform tabular.Transform, row *tabular.Row) (*tabular.Row, error) {
	t.Helper()
	in, out := transform.Shapes()
	if in.Form != row.Form {
		t.Fatalf("takes form %d, not %d", in.Form, row.Form)
	}
	var scratch tabular.Scratch
	made := &tabular.Row{}
	for range 2 {
		if err := transform.Apply(made, row, &scratch); err != nil {
			return nil, err
		}
	}
	if made.Form != out.Form {
		t.Fatalf("makes form %d, and says %d", made.Form, out.Form)
	}
	if made.Form != tabular.Sparse {
		return made, nil
	}
	if !slices.IsSorted(made.Index) || len(slices.Compact(slices.Clone(made.Index))) != len(made.Index) {
		t.Fatalf("places are %v", made.Index)
	}
	all := make([]float64, out.Columns)
	for i, column := range made.Index {
		all[column] = made.Numbers[i]
	}
	return full(all...), nil
}

// Whatever a stage makes of numbers, it makes of a sparse row of the same numbers.
func TestStagesOfSparseRows(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	const columns = 7
	scale, center := make([]float64, columns), make([]float64, columns)
	for i := range scale {
		scale[i], center[i] = 0.5+random.Float64(), random.NormFloat64()
	}
	for name, stage := range map[string]tabular.Stage{
		"scale":         &tabular.Standardise{Columns: columns, Scale: scale},
		"scale, clip":   &tabular.Standardise{Columns: columns, Scale: scale, Clip: true},
		"clip":          &tabular.Standardise{Columns: columns, Clip: true},
		"center":        &tabular.Standardise{Columns: columns, Scale: scale, Center: center},
		"range":         &tabular.Range{Factor: scale, Offset: center},
		"norm":          &tabular.Normalise{Columns: columns, Norm: tabular.L2},
		"times":         &tabular.Times{Columns: columns, Weight: -3},
		"check":         &tabular.Check{Columns: columns},
		"log1p":         &tabular.Each{Columns: columns, Function: func(x float64) float64 { return math.Log1p(math.Abs(x)) }},
		"cosine":        &tabular.Each{Columns: columns, Function: math.Cos, Checks: true},
		"degree 1":      tabular.NewPolynomial(columns, 0, 1, false, true, 1000),
		"degree 2":      tabular.NewPolynomial(columns, 0, 2, false, true, 1000),
		"from degree 2": tabular.NewPolynomial(columns, 2, 2, false, true, 1000),
		"crosses":       tabular.NewPolynomial(columns, 0, 2, true, false, 1000),
		"only crosses":  tabular.NewPolynomial(columns, 2, 2, true, false, 1000),
		"degree 3":      tabular.NewPolynomial(columns, 0, 3, false, false, 1000),
		"bins":          &tabular.Bin{Edges: make([][]float64, columns), OneHot: true},
	} {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				row := make([]float64, columns)
				for i := range row {
					if random.IntN(2) == 0 {
						row[i] = random.NormFloat64()
					}
				}
				want, wantOK := apply(stage, row)
				got, err := run(t, tabular.Numeric(stage, tabular.Sparse, nil), sparse(row...))
				if (err == nil) != wantOK || (wantOK && !equal(got.Numbers, want)) {
					t.Fatalf("%v makes %v (%v), expected %v", row, got, err, want)
				}
			}
		})
	}
}

func TestSparseStagesRefuse(t *testing.T) {
	inf := math.Inf(1)
	for name, stage := range map[string]tabular.Stage{
		"scale":    &tabular.Standardise{Columns: 2, Scale: []float64{1, 1}},
		"norm":     &tabular.Normalise{Columns: 2},
		"check":    &tabular.Check{Columns: 2},
		"degree 2": tabular.NewPolynomial(2, 0, 2, false, true, 100),
		"degree 3": tabular.NewPolynomial(2, 0, 3, false, true, 100),
	} {
		if made, err := run(t, tabular.Numeric(stage, tabular.Sparse, nil), sparse(0, inf)); !errors.Is(err, tabular.ErrRange) {
			t.Errorf("%s: got %v, %v", name, made, err)
		}
	}
}

// categories has a code for each value, in order.
func categories(values ...tabular.Cell) *tabular.Categories {
	known := tabular.NewCategories(len(values))
	for _, value := range values {
		known.Add(value)
	}
	return known
}

func TestCategories(t *testing.T) {
	nan := number(math.NaN())
	texts := categories(text("b"), text(""), none())
	numbers := categories(number(0), number(2.5), nan)
	both := categories(text("a"), none(), nan)
	for name, test := range map[string]struct {
		known *tabular.Categories
		value tabular.Cell
		code  int32
	}{
		"text":                      {texts, text("b"), 0},
		"empty text":                {texts, text(""), 1},
		"unknown text":              {texts, text("B"), -1},
		"none":                      {texts, none(), 2},
		"NaN for none":              {texts, nan, 2},
		"number for text":           {texts, number(0), -1},
		"list for text":             {texts, tabular.Cell{Kind: tabular.Texts, Many: &tabular.Many{}}, -1},
		"number":                    {numbers, number(2.5), 1},
		"negative zero":             {numbers, number(math.Copysign(0, -1)), 0},
		"unknown number":            {numbers, number(2), -1},
		"NaN":                       {numbers, nan, 2},
		"none for NaN":              {numbers, none(), 2},
		"none beside NaN":           {both, none(), 1},
		"NaN beside none":           {both, nan, 2},
		"missing where none was":    {categories(text("a")), none(), -1},
		"missing where no NaN was":  {categories(number(1)), nan, -1},
		"text where there are none": {categories(number(1)), text("1"), -1},
	} {
		if code := test.known.Code(&test.value); code != test.code {
			t.Errorf("%s: got %d, expected %d", name, code, test.code)
		}
	}
	for _, value := range []tabular.Cell{text("b"), none()} {
		if categories(text("b"), none()).Add(value) {
			t.Errorf("%v is added twice", value)
		}
	}
	if categories(nan).Add(nan) || categories(number(1)).Add(number(1)) || !categories(nan).Add(none()) {
		t.Error("numbers are added twice, or None is taken for NaN")
	}
}

// colours and sizes are a column of texts, which may be missing, and one of numbers.
func encodings(refuses, refusesNaN bool) []tabular.Encoding {
	return []tabular.Encoding{
		{Categories: categories(text("red"), text("blue"), none()), Origin: 4, Refuses: refuses, RefusesNaN: refusesNaN},
		{Categories: categories(number(1), number(2)), Origin: 7, Refuses: refuses, RefusesNaN: refusesNaN},
	}
}

func TestEncoders(t *testing.T) {
	hot := func(unknown int32, refuses, refusesNaN bool) tabular.Transform {
		return &tabular.OneHot{
			Form: tabular.Mixed, Encodings: encodings(refuses, refusesNaN), Columns: 4,
			Places: [][]int32{{0, -1, 1}, {2, 3}}, Unknown: []int32{unknown, -1},
		}
	}
	recode := &tabular.Recode{
		Form: tabular.Mixed, Encodings: encodings(false, true), Width: 2,
		Numbers: [][]float64{{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10}}, Unknown: [][]float64{{-1, -2}, {-3, -4}},
	}
	nan, inf := number(math.NaN()), number(math.Inf(-1))
	for name, test := range map[string]struct {
		transform tabular.Transform
		row       *tabular.Row
		expected  []float64
		column    int // of the error
	}{
		"one-hot":             {hot(-1, true, false), mixed(text("red"), number(2)), []float64{1, 0, 0, 1}, 0},
		"dropped":             {hot(-1, true, false), mixed(text("blue"), number(1)), []float64{0, 0, 1, 0}, 0},
		"missing":             {hot(-1, true, false), mixed(none(), number(1)), []float64{0, 1, 1, 0}, 0},
		"unknown":             {hot(-1, false, false), mixed(text("green"), number(3)), []float64{0, 0, 0, 0}, 0},
		"unknown is rare":     {hot(1, false, false), mixed(text("green"), nan), []float64{0, 1, 0, 0}, 0},
		"unknown refused":     {hot(-1, true, false), mixed(text("green"), number(1)), nil, 4},
		"number refused":      {hot(-1, true, false), mixed(text("red"), number(3)), nil, 7},
		"infinite":            {hot(-1, false, false), mixed(text("red"), inf), nil, 7},
		"NaN refused":         {hot(-1, false, true), mixed(text("red"), nan), nil, 7},
		"none is NaN":         {hot(-1, false, true), mixed(text("red"), none()), nil, 7},
		"none among texts":    {hot(-1, false, true), mixed(none(), number(1)), []float64{0, 1, 1, 0}, 0},
		"recoded":             {recode, mixed(text("blue"), number(1)), []float64{3, 4, 7, 8}, 0},
		"recoded unknown":     {recode, mixed(number(5), number(5)), []float64{-1, -2, -3, -4}, 0},
		"recoded and refused": {recode, mixed(text("blue"), nan), nil, 7},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := run(t, test.transform, test.row)
			var refused *tabular.CellError
			switch {
			case test.expected == nil && (!errors.As(err, &refused) || refused.Column != test.column):
				t.Errorf("got %v, %v; expected an error of column %d", got, err, test.column)
			case test.expected != nil && (err != nil || !equal(got.Numbers, test.expected)):
				t.Errorf("got %v, %v; expected %v", got, err, test.expected)
			}
		})
	}
	dense := &tabular.OneHot{
		Encodings: encodings(false, false)[1:], Columns: 2, Places: [][]int32{{0, 1}}, Unknown: []int32{-1},
	}
	if got, err := run(t, dense, full(2)); err != nil || !equal(got.Numbers, []float64{0, 1}) {
		t.Errorf("of numbers: %v, %v", got, err)
	}
}

func TestImputeCells(t *testing.T) {
	fill := []tabular.Cell{text("?"), number(7), none()}
	for name, test := range map[string]struct {
		stage    tabular.ImputeCells
		row      *tabular.Row
		expected []tabular.Cell
	}{
		"none": {
			tabular.ImputeCells{Fill: fill, Keep: []int{0, 1}, Indicators: []int{1, 0}, Missing: none()},
			mixed(none(), number(math.NaN()), text("x")), []tabular.Cell{text("?"), number(7), number(1), number(1)},
		},
		"nothing missing": {
			tabular.ImputeCells{Fill: fill, Keep: []int{1, 0}, Indicators: []int{0}, Missing: none()},
			mixed(text(""), number(0), none()), []tabular.Cell{number(0), text(""), number(0)},
		},
		"a word": {
			tabular.ImputeCells{Fill: fill, Keep: []int{0, 2}, Missing: text("-")},
			mixed(text("-"), none(), none()), []tabular.Cell{text("?"), none()},
		},
	} {
		got, err := run(t, &test.stage, test.row)
		if err != nil || !reflect.DeepEqual(got.Cells, test.expected) {
			t.Errorf("%s: got %v, %v; expected %v", name, got, err, test.expected)
		}
	}
}

// Parts of every form are put side by side, in a row of the form that can hold them all.
func TestUnion(t *testing.T) {
	shape := func(form tabular.Form, columns int) tabular.Shape { return tabular.Shape{Form: form, Columns: columns} }
	hot := &tabular.OneHot{
		Form: tabular.Mixed, Encodings: encodings(false, false)[:1], Columns: 3, Places: [][]int32{{0, 1, 2}}, Unknown: []int32{-1},
	}
	double := &tabular.Times{Columns: 1, Weight: 2}
	part := func(transform tabular.Transform, weight float64, columns ...int) tabular.UnionPart {
		return tabular.UnionPart{Columns: columns, Transform: transform, Weight: weight}
	}
	row := mixed(text("blue"), number(3), number(0))
	for name, test := range map[string]struct {
		in       tabular.Shape
		parts    []tabular.UnionPart
		row      *tabular.Row
		expected any
	}{
		"sparse and dense": {shape(tabular.Mixed, 3), []tabular.UnionPart{
			part(tabular.Numeric(double, tabular.Mixed, nil), 1, 2), part(hot, 5, 0), part(tabular.Numeric(double, tabular.Mixed, nil), 0.5, 1),
		}, row, []float64{0, 0, 5, 0, 3}},
		"passed on": {shape(tabular.Mixed, 3), []tabular.UnionPart{
			part(hot, 1, 0), part(nil, 1, 0, 1), part(tabular.Numeric(double, tabular.Mixed, nil), 3, 1),
		}, row, []tabular.Cell{number(0), number(1), number(0), text("blue"), number(3), number(18)}},
		"of numbers": {shape(tabular.Dense, 2), []tabular.UnionPart{
			part(nil, 3), part(tabular.Numeric(double, tabular.Dense, nil), 1, 1), part(tabular.Numeric(double, tabular.Dense, nil), 2, 0),
		}, full(1, 2), []float64{3, 6, 4, 4}},
		"of a sparse row": {shape(tabular.Sparse, 4), []tabular.UnionPart{
			part(nil, 2, 3, 0, 1), part(tabular.Numeric(double, tabular.Sparse, nil), 1, 3),
			part(tabular.ToDense(shape(tabular.Sparse, 4), nil), 1), part(nil, -1, 0, 1, 3), part(nil, 1, 3, 3),
		}, sparse(0, 5, 0, 7), []float64{14, 0, 10, 14, 0, 5, 0, 7, 0, -5, -7, 7, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := run(t, tabular.Union(test.in, test.parts), test.row)
			if err != nil {
				t.Fatal(err)
			}
			switch expected := test.expected.(type) {
			case []float64:
				if !equal(got.Numbers, expected) {
					t.Errorf("got %v, expected %v", got.Numbers, expected)
				}
			case []tabular.Cell:
				if !reflect.DeepEqual(got.Cells, expected) {
					t.Errorf("got %v, expected %v", got.Cells, expected)
				}
			}
		})
	}
}

func TestSettle(t *testing.T) {
	row := &tabular.Row{Form: tabular.Sparse}
	row.Put(9, 100)
	for i, column := range []int{3, 1, 3, 2, 1, 3} {
		row.Put(column, float64(int(1)<<i))
	}
	row.Settle(1)
	if !slices.Equal(row.Index, []int32{9, 1, 2, 3}) || !equal(row.Numbers, []float64{100, 18, 8, 37}) {
		t.Errorf("got %v, %v", row.Index, row.Numbers)
	}
}

// several is a model of three classes of two columns.
func several(link tabular.Link) *tabular.Model {
	return tabular.New(tabular.Dense, columns(2), nil, &tabular.Regression{
		Linear: tabular.Linear{Coef: []float64{1, 0, -1, 0, 1, -1}, Intercept: []float64{0, 0, 0.5}}, Link: link,
	})
}

func TestSeveralScores(t *testing.T) {
	e := math.Exp
	s := func(z float64) float64 { return 1 / (1 + e(-z)) }
	for name, test := range map[string]struct {
		link     tabular.Link
		row      []float64
		expected []float64
	}{
		"softmax":           {tabular.Softmax, []float64{1, 2}, []float64{e(1), e(2), e(-2.5)}},
		"softmax of large":  {tabular.Softmax, []float64{1e4, 0}, []float64{1, 0, 0}},
		"sigmoids":          {tabular.Sigmoid, []float64{1, 2}, []float64{s(1), s(2), s(-2.5)}},
		"modified Huber":    {tabular.ModifiedHuber, []float64{0.5, 7}, []float64{0.75, 1, 0}},
		"nothing is likely": {tabular.ModifiedHuber, []float64{-1, -2}, []float64{0, 0, 1}},
	} {
		out, total := make([]float64, 3), 0.0
		for _, value := range test.expected {
			total += value
		}
		if err := several(test.link).PredictInto(test.row, out); err != nil {
			t.Fatal(err)
		}
		for i, value := range test.expected {
			if math.Abs(out[i]-value/total) > 1e-15 {
				t.Errorf("%s: got %v, expected %v over %v", name, out, test.expected, total)
				break
			}
		}
	}
	out := make([]float64, 3)
	zero := tabular.New(tabular.Dense, columns(1), nil, &tabular.Regression{
		Linear: tabular.Linear{Coef: []float64{1, 1, 1}, Intercept: []float64{0, 0, 0}}, Link: tabular.ModifiedHuber,
	})
	if err := zero.PredictInto([]float64{-5}, out); err != nil || !equal(out, []float64{1. / 3, 1. / 3, 1. / 3}) {
		t.Errorf("where all are zero: %v, %v", out, err)
	}
	var feature *tabular.FeatureError
	if err := several(tabular.Softmax).PredictInto([]float64{0, math.Inf(1)}, out); !errors.As(err, &feature) || feature.Index != 1 {
		t.Errorf("infinite: %v", err)
	}
	if _, err := several(tabular.Softmax).Predict([]float64{0, 0}); err == nil || !strings.Contains(err.Error(), "3 scores") {
		t.Errorf("a single score of three: %v", err)
	}
}

func TestRegressors(t *testing.T) {
	of := func(estimator tabular.Estimator) *tabular.Model {
		return tabular.New(tabular.Dense, columns(1), nil, estimator)
	}
	identity := &tabular.Regression{Linear: linear([]float64{3}, 1), Link: tabular.Identity}
	exp := &tabular.Regression{Linear: linear([]float64{1}, 0), Link: tabular.Exp}
	for name, test := range map[string]struct {
		model       *tabular.Model
		row, expect float64
	}{
		"identity": {of(identity), -2, -5},
		"log":      {of(exp), 1, math.E},
		"mapped":   {of(&tabular.Mapped{Of: identity, Function: math.Abs}), -2, 5},
		"overflow": {of(exp), 1e3, math.NaN()},
	} {
		got, err := test.model.Predict([]float64{test.row})
		if (err != nil) != math.IsNaN(test.expect) || (err == nil && got != test.expect) || test.model.Bounded() {
			t.Errorf("%s: got %v, %v; expected %v", name, got, err, test.expect)
		}
	}
}

func TestOneVsRest(t *testing.T) {
	class := func(coef float64) tabular.Whole {
		return tabular.Whole{
			Steps:     numeric(&tabular.Times{Columns: 1, Weight: 2}),
			Estimator: &tabular.Regression{Linear: linear([]float64{coef}, 0), Link: tabular.ModifiedHuber},
		}
	}
	model := tabular.New(tabular.Dense, columns(1), nil, &tabular.OneVsRest{Classes: []tabular.Whole{class(0.25), class(-0.25), class(1)}})
	out := make([]float64, 3)
	if err := model.PredictInto([]float64{1}, out); err != nil || !equal(out, []float64{0.375, 0.125, 0.5}) {
		t.Errorf("got %v, %v", out, err)
	}
}

// table is a model of a column of texts and two of numbers, and of one that does not count.
func table() *tabular.Model {
	in := tabular.Shape{Form: tabular.Mixed, Columns: 4}
	hot := &tabular.OneHot{
		Form: tabular.Mixed, Columns: 2, Places: [][]int32{{0, 1}}, Unknown: []int32{-1},
		Encodings: []tabular.Encoding{{Categories: categories(text("a"), text("b")), Origin: 1}},
	}
	scale := &tabular.Standardise{Columns: 2, Scale: []float64{2, 4}}
	steps := tabular.Series(
		tabular.Union(in, []tabular.UnionPart{
			{Columns: []int{1}, Transform: hot, Weight: 1},
			{Columns: []int{0, 2}, Transform: tabular.Numeric(scale, tabular.Mixed, []int{0, 2}), Weight: 1},
		}),
		tabular.Numeric(&tabular.Normalise{Columns: 4, Norm: tabular.L1}, tabular.Sparse, nil),
	)
	return tabular.New(tabular.Mixed, []tabular.Column{{}, {Kind: tabular.Text}, {}, {Ignored: true}}, steps,
		&tabular.Complement{Of: &tabular.Regression{Linear: linear([]float64{1, 2, 3, 4}, 0), Link: tabular.ModifiedHuber}})
}

func TestPredictCells(t *testing.T) {
	m, out := table(), make([]float64, 2)
	// (0, 1, 1, 0.5) over 2.5, times (1, 2, 3, 4), is more than 1.
	if err := m.PredictCells([]tabular.Cell{number(2), text("b"), number(2), text("ignored")}, out); err != nil || !equal(out, []float64{0, 1}) {
		t.Errorf("got %v, %v", out, err)
	}
	// (1, 0, −1, 0) over 2, times (1, 2, 3, 4), is −1.
	if err := m.PredictCells([]tabular.Cell{number(-2), text("a"), number(0), none()}, out); err != nil || !equal(out, []float64{1, 0}) {
		t.Errorf("got %v, %v", out, err)
	}
	var cell *tabular.CellError
	if err := m.PredictCells([]tabular.Cell{number(1), text("a"), text("x"), none()}, out); !errors.As(err, &cell) || cell.Column != 2 {
		t.Errorf("text for a number: %v", err)
	}
	var feature *tabular.FeatureError
	if err := m.PredictCells([]tabular.Cell{none(), text("a"), number(1), none()}, out); !errors.As(err, &feature) {
		t.Errorf("a missing number: %v", err)
	}
	filled := tabular.New(tabular.Dense, columns(3), tabular.Union(tabular.Shape{Columns: 3}, []tabular.UnionPart{
		{Columns: []int{0}, Transform: tabular.Numeric(&tabular.Impute{
			Missing: math.NaN(), Fill: []float64{5},
		}, tabular.Dense, []int{0}), Weight: 1},
		{Columns: []int{1, 2}, Weight: 1},
	}), &tabular.Regression{Linear: linear([]float64{1, 1, 1}, 0), Link: tabular.Identity})
	for at, row := range [][]tabular.Cell{1: {none(), none(), number(1)}, 2: {none(), number(1), none()}} {
		if row == nil {
			continue
		}
		if err := filled.PredictCells(row, out[:1]); !errors.As(err, &feature) || feature.Index != at {
			t.Errorf("missing values, of which the first is filled in: %v, expected %d", err, at)
		}
		numbers := []float64{row[0].Num, row[1].Num, row[2].Num}
		for i := range row {
			if row[i].IsMissing() {
				numbers[i] = math.NaN()
			}
		}
		if err := filled.PredictInto(numbers, out[:1]); !errors.As(err, &feature) || feature.Index != at {
			t.Errorf("missing numbers, of which the first is filled in: %v, expected %d", err, at)
		}
	}
	if err := m.PredictInto([]float64{2, 0, 2, 0}, out); err != nil || !equal(out, []float64{0, 1}) {
		t.Errorf("numbers: %v, %v", out, err)
	}
	dense := tabular.New(tabular.Dense, []tabular.Column{{}, {Ignored: true}}, tabular.Union(
		tabular.Shape{Columns: 2}, []tabular.UnionPart{{Columns: []int{0}, Weight: 1}}),
		&tabular.Regression{Linear: linear([]float64{1}, 0), Link: tabular.Identity})
	if err := dense.PredictCells([]tabular.Cell{number(7), text("x")}, out[:1]); err != nil || out[0] != 7 {
		t.Errorf("an ignored column: %v, %v", out, err)
	}
	if err := dense.PredictCells([]tabular.Cell{text("x"), number(7)}, out[:1]); !errors.As(err, &cell) || cell.Column != 0 {
		t.Errorf("text in a column of numbers: %v", err)
	}
}
