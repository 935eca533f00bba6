package sklearn

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// FuzzRead: whatever the bytes, the result is a sound model or a typed error.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"sklearn/1.9.1/*.pkl", "sklearn/1.9.1/*.joblib", "sklearn/0.24.2/*.pkl", "hostile/*.pkl",
		"sklearn/1.9.1/columns/*.pkl", "sklearn/0.24.2/columns/*.pkl",
		"text/sklearn/1.9.1/*.joblib", "text/sklearn/0.24.2/*.joblib"} {
		seeds, err := filepath.Glob(fixtures.Path(f, pattern))
		if err != nil || len(seeds) == 0 {
			f.Fatalf("no seeds in %s (%v)", pattern, err)
		}
		for _, seed := range seeds {
			data, err := os.ReadFile(seed)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
			if plain, err := unpack.Unpack(f.Context(), data, 1<<22); err == nil && len(plain) != len(data) && len(plain) < 1<<16 {
				f.Add(plain)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		model, err := Read(t.Context(), data, 1<<22)
		if err != nil {
			var inPacking *unpack.Error
			var inPickle *pickle.Error
			var inModel *Error
			if !errors.As(err, &inPacking) && !errors.As(err, &inPickle) && !errors.As(err, &inModel) {
				t.Fatalf("%#v is not typed", err)
			}
			return
		}
		predictAll(t, model)
	})
}

// predictAll asks a model for predictions of cells of every kind.
func predictAll(t *testing.T, model *Model) {
	t.Helper()
	if len(model.Columns) != model.Features() || (len(model.Scores) != model.Outputs() && len(model.Scores)+model.Outputs() != 1) {
		t.Fatalf("%d columns, %d named; %d scores, %d named",
			model.Features(), len(model.Columns), model.Outputs(), len(model.Scores))
	}
	cells, out := make([]tabular.Cell, model.Features()), make([]float64, model.Outputs())
	many := &tabular.Many{Texts: []string{"a", "", "𝒳"}, Cells: []tabular.Cell{{Num: 1}, {Kind: tabular.Text, Str: "b"}, {Kind: tabular.None}}}
	for _, cell := range []tabular.Cell{
		{}, {Num: 1}, {Num: -3.5}, {Num: 1e300}, {Num: math.NaN()}, {Num: math.Inf(1)}, {Kind: tabular.None},
		{Kind: tabular.Text}, {Kind: tabular.Text, Str: "a 𝒳 ß"},
		{Kind: tabular.Texts, Many: many}, {Kind: tabular.Fields, Many: many},
	} {
		for i := range cells {
			cells[i] = cell
			if cell.Kind == tabular.Number && model.Columns[i].Kind == tabular.Text && !model.Columns[i].Ignored {
				cells[i] = tabular.Cell{Kind: tabular.Text, Str: "b"}
			}
		}
		err := model.PredictCells(cells, out)
		var inFeature *tabular.FeatureError
		var inCell *tabular.CellError
		if err != nil && !errors.As(err, &inFeature) && !errors.As(err, &inCell) {
			t.Fatalf("%#v is not typed", err)
		}
		for _, p := range out {
			if err == nil && !(p*0 == 0 && (!model.Bounded() || (p >= 0 && p <= 1))) {
				t.Fatalf("%v is predicted for %v", p, cell)
			}
		}
	}
}
