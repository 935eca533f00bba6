package tabular_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// apply gives a stage exactly the places that it asks for.
func apply(stage tabular.Stage, row []float64) ([]float64, bool) {
	in, out := stage.Width()
	if in != len(row) {
		panic(fmt.Sprintf("%T takes %d columns, not %d", stage, in, len(row)))
	}
	dst, scratch := make([]float64, out), make([]float64, stage.Scratch())
	for i := range scratch {
		scratch[i] = -777
	}
	for i := range dst {
		dst[i] = -777
	}
	before := slices.Clone(row)
	ok := stage.Apply(dst, row, scratch)
	if !equal(row, before) {
		panic(fmt.Sprintf("%T changes its input", stage))
	}
	return dst, ok
}

// equal takes NaN for equal to itself.
func equal(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || (math.IsNaN(x) && math.IsNaN(y)) })
}

func TestStages(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	cross := func(lowest, highest int, crosses, bias bool) tabular.Stage {
		return tabular.NewPolynomial(3, lowest, highest, crosses, bias, 100)
	}
	scale := &tabular.Standardise{Columns: 2, Center: []float64{1, 2}, Scale: []float64{2, 4}}
	edges := [][]float64{{1, 2}, {}}
	for name, test := range map[string]struct {
		stage    tabular.Stage
		row      []float64
		expected []float64 // nil: refused
	}{
		"standardise":             {scale, []float64{5, 4}, []float64{2, 0.5}},
		"standardise missing":     {scale, []float64{nan, 4}, []float64{nan, 0.5}},
		"standardise infinite":    {scale, []float64{inf, 4}, nil},
		"clip":                    {&tabular.Standardise{Columns: 3, Scale: []float64{2, 2, 2}, Clip: true}, []float64{5, -9, nan}, []float64{1, -1, nan}},
		"nothing but a check":     {&tabular.Standardise{Columns: 1}, []float64{-inf}, nil},
		"range":                   {&tabular.Range{Factor: []float64{2, 3}, Offset: []float64{1, 1}}, []float64{1, nan}, []float64{3, nan}},
		"range clipped":           {&tabular.Range{Factor: []float64{2}, Offset: []float64{1}, Clip: true, Low: 0, High: 1}, []float64{4}, []float64{1}},
		"range infinite":          {&tabular.Range{Factor: []float64{0}, Offset: []float64{1}}, []float64{inf}, nil},
		"L1":                      {&tabular.Normalise{Columns: 2, Norm: tabular.L1}, []float64{-1, 3}, []float64{-0.25, 0.75}},
		"L2":                      {&tabular.Normalise{Columns: 2, Norm: tabular.L2}, []float64{-3, 4}, []float64{-0.6, 0.8}},
		"Max":                     {&tabular.Normalise{Columns: 2, Norm: tabular.Max}, []float64{-4, 2}, []float64{-1, 0.5}},
		"norm of zeros":           {&tabular.Normalise{Columns: 2, Norm: tabular.L2}, []float64{0, 0}, []float64{0, 0}},
		"norm next to nothing":    {&tabular.Normalise{Columns: 1, Norm: tabular.L1, Least: 0.5}, []float64{0.25}, []float64{0.25}},
		"norm overflows":          {&tabular.Normalise{Columns: 1, Norm: tabular.L2}, []float64{1e300}, []float64{0}},
		"norm missing":            {&tabular.Normalise{Columns: 1}, []float64{nan}, nil},
		"degree 2":                {cross(0, 2, false, true), []float64{2, 3, 5}, []float64{1, 2, 3, 5, 4, 6, 10, 9, 15, 25}},
		"degree 3":                {cross(0, 3, false, false), []float64{2, 3, 5}, []float64{2, 3, 5, 4, 6, 10, 9, 15, 25, 8, 12, 20, 18, 30, 50, 27, 45, 75, 125}},
		"crosses":                 {cross(0, 3, true, true), []float64{2, 3, 5}, []float64{1, 2, 3, 5, 6, 10, 15, 30}},
		"more degrees than there": {cross(0, 9, true, false), []float64{2, 3, 5}, []float64{2, 3, 5, 6, 10, 15, 30}},
		"from degree 2":           {cross(2, 2, false, true), []float64{2, 3, 5}, []float64{1, 4, 6, 10, 9, 15, 25}},
		"from degree 3":           {cross(3, 3, true, false), []float64{2, 3, 5}, []float64{30}},
		"polynomial missing":      {cross(0, 2, false, true), []float64{2, nan, 5}, nil},
		"impute":                  {&tabular.Impute{Fill: []float64{7, 8}, Missing: nan}, []float64{nan, 1}, []float64{7, 1}},
		"impute and indicate":     {&tabular.Impute{Fill: []float64{7, 8}, Indicators: []int{1, 0}, Missing: nan}, []float64{nan, 1}, []float64{7, 1, 0, 1}},
		"impute and drop":         {&tabular.Impute{Fill: []float64{nan, 8}, Keep: []int{1}, Indicators: []int{0}, Missing: nan}, []float64{nan, nan}, []float64{8, 1}},
		"impute a number":         {&tabular.Impute{Fill: []float64{7, 8}, Missing: -1}, []float64{2, -1}, []float64{2, 8}},
		"impute beside a number":  {&tabular.Impute{Fill: []float64{7, 8}, Missing: -1}, []float64{2, nan}, nil},
		"impute infinite":         {&tabular.Impute{Fill: []float64{7, 8}, Missing: nan}, []float64{inf, 1}, nil},
		"impute zeros":            {&tabular.Impute{Fill: []float64{7}, Missing: 0}, []float64{math.Copysign(0, -1)}, []float64{7}},
		"bins":                    {&tabular.Bin{Edges: edges}, []float64{1, 5}, []float64{1, 0}},
		"bins below":              {&tabular.Bin{Edges: edges}, []float64{0.999999, -5}, []float64{0, 0}},
		"bins lenient":            {&tabular.Bin{Edges: edges, Lenient: true}, []float64{0.999999, 5}, []float64{1, 0}},
		"bins above":              {&tabular.Bin{Edges: edges, OneHot: true}, []float64{9, 5}, []float64{0, 0, 1, 1}},
		"bins missing":            {&tabular.Bin{Edges: edges}, []float64{nan, 5}, nil},
		"check":                   {&tabular.Check{Columns: 1}, []float64{inf}, nil},
		"check finite":            {&tabular.Check{Columns: 1}, []float64{3}, []float64{3}},
		"times":                   {&tabular.Times{Columns: 2, Weight: 3}, []float64{1, nan}, []float64{3, nan}},
		"parallel": {&tabular.Parallel{Columns: 3, Parts: []tabular.Part{
			{Columns: []int{2, 0}, Stage: scale}, {Columns: []int{1}}, {},
			{Columns: []int{0, 0}, Stage: tabular.NewChain(scale, &tabular.Check{Columns: 2}, scale)},
			{Stage: cross(2, 2, true, false)},
		}}, []float64{5, 6, 7}, []float64{3, 0.75, 6, 5, 6, 7, 0.5, -0.3125, 30, 35, 42}},
		"parallel refuses": {&tabular.Parallel{Columns: 2, Parts: []tabular.Part{{}, {Stage: &tabular.Check{Columns: 2}}}}, []float64{1, inf}, nil},
		"parallel ignores": {&tabular.Parallel{Columns: 2, Parts: []tabular.Part{{Columns: []int{0}, Stage: &tabular.Check{Columns: 1}}}}, []float64{1, inf}, []float64{1}},
		"chain of widths": {
			tabular.NewChain(cross(0, 2, false, true), &tabular.Check{Columns: 10},
				&tabular.Impute{Fill: make([]float64, 10), Keep: []int{0, 9}, Missing: 25}, scale),
			[]float64{2, 3, 5}, []float64{0, -0.5},
		},
		"chain refuses first": {tabular.NewChain(&tabular.Check{Columns: 2}, scale), []float64{inf, 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := apply(test.stage, test.row)
			if ok != (test.expected != nil) || (ok && !equal(got, test.expected)) {
				t.Errorf("got %v, %v; expected %v", got, ok, test.expected)
			}
		})
	}
}

func TestNewPolynomialIsBounded(t *testing.T) {
	for _, test := range []struct{ columns, lowest, highest, limit int }{
		{3, 0, 0, 100}, {0, 0, 2, 100}, {101, 0, 1, 100}, {10, 0, 3, 100}, {1000, 0, 1000, 1 << 20}, {1, 0, 1000, 999},
	} {
		if p := tabular.NewPolynomial(test.columns, test.lowest, test.highest, false, false, test.limit); p != nil {
			t.Errorf("%+v is made", test)
		}
	}
	// Of one column there is no cross.
	if p := tabular.NewPolynomial(1, 2, 2, true, false, 100); p != nil {
		t.Error("a stage of no columns is made")
	}
}

func TestCalibrations(t *testing.T) {
	steps := &tabular.Isotonic{X: []float64{-1, 0, 0, 2}, Y: []float64{0.1, 0.2, 0.6, 1}}
	single := &tabular.Isotonic{X: []float64{3}, Y: []float64{0.5}}
	steep := &tabular.Isotonic{X: []float64{0, 5e-324, 1}, Y: []float64{0, 1, 1}}
	for name, test := range map[string]struct {
		calibration tabular.Calibration
		decision, p float64 // NaN: refused
	}{
		"before":         {steps, -5, 0.1},
		"first":          {steps, -1, 0.1},
		"between":        {steps, -0.5, 0.1 + 0.5*0.1},
		"on two":         {steps, 0, 0.6},
		"between higher": {steps, 1, 0.8},
		"last":           {steps, 2, 1},
		"after":          {steps, 1e300, 1},
		"infinite":       {steps, math.Inf(1), math.NaN()},
		"single":         {single, -7, 0.5},
		"steep":          {steep, 5e-324, 1},
		"Platt":          {&tabular.Platt{A: -2, B: 0}, 0, 0.5},
		"Platt infinite": {&tabular.Platt{A: -2, B: 0}, math.Inf(1), 1},
		"Platt of none":  {&tabular.Platt{A: 0, B: 0}, math.Inf(1), math.NaN()},
	} {
		p, ok := test.calibration.Calibrate(test.decision)
		if ok == math.IsNaN(test.p) || (ok && math.Abs(p-test.p) > 1e-15) {
			t.Errorf("%s: got %v, %v; expected %v", name, p, ok, test.p)
		}
	}
}

// all is a model of every kind of stage.
func all() *tabular.Model {
	scale := &tabular.Standardise{Columns: 2, Center: []float64{1, 2}, Scale: []float64{2, 4}}
	cross := tabular.NewPolynomial(2, 0, 2, false, true, 100)
	decide := linear([]float64{1, -1, 0.5, 0.25, 0.125, -0.5, 3}, 0)
	return tabular.New(tabular.Dense, columns(2), numeric(
		&tabular.Impute{Fill: []float64{0, 0}, Missing: math.NaN()},
		&tabular.Parallel{Columns: 2, Parts: []tabular.Part{{Stage: tabular.NewChain(scale, cross)}, {Columns: []int{1}}}},
	), &tabular.Calibrated{Members: []tabular.Member{
		{Linear: decide, Calibrations: []tabular.Calibration{&tabular.Platt{A: -1, B: 0.5}}},
		{
			Steps:        numeric(&tabular.Normalise{Columns: 7, Norm: tabular.L2}, &tabular.Check{Columns: 7}),
			Linear:       decide,
			Calibrations: []tabular.Calibration{&tabular.Isotonic{X: []float64{-3, 3}, Y: []float64{0, 1}}},
		},
	}})
}

func TestPredictConcurrently(t *testing.T) {
	m := all()
	rows := [][]float64{{1, 2}, {math.NaN(), 3}, {-5, 1e3}, {0, 0}}
	expected := make([]float64, len(rows))
	for i, row := range rows {
		var err error
		if expected[i], err = m.Predict(row); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for n := range 1000 {
				i := (worker + n) % len(rows)
				if p, err := m.Predict(rows[i]); err != nil || p != expected[i] {
					t.Errorf("row %d: got %v, %v; expected %v", i, p, err, expected[i])
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkPredict(b *testing.B) {
	for name, m := range map[string]*tabular.Model{"all": all(), "regression": regression(
		make([]float64, 12), 0, make([]float64, 12), []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, tabular.Sigmoid)} {
		row := make([]float64, m.Features())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Predict(row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
