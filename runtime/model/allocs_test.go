//go:build !race

package model_test

import (
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.
func TestPredictDoesNotAllocate(t *testing.T) {
	wide := model.Row{Values: []model.Value{
		{Set: true, Nums: []float64{.7, .125, 0}}, {Set: true, Nums: []float64{.3, .3, .74, .52}},
		{Set: true, Int: 80}, {Set: true, Ints: []int64{56}}, {Set: true, Int: 1},
	}}
	raw := *ctrRow("深度学习 入门", 3, .8, "本文介绍人工智能、机器学习与深度学习的基本概念")
	raw.Values[1] = model.Value{Set: true, Str: "doc_1"}
	raw.Values = append(raw.Values, model.Value{})
	example := model.Row{Values: []model.Value{
		{Set: true, Strs: []string{"new", "hot"}}, {Set: true, Int: 30}, {Set: true, Num: 3}, {Set: true, Num: 20},
		{Set: true, Str: "python 教程"}, {Set: true, Str: "user-7"}, {Set: true, Nums: []float64{.5, 1.5}},
	}}
	examples := fixtures.Dir(t, "savedmodel/artifacts")
	for name, c := range map[string]struct {
		artifact string
		row      model.Row
	}{
		"a vector":            {fixtures.Path(t, "sklearn/1.9.1/parts-scaler.pkl"), model.Row{Features: make([]float64, 12)}},
		"fields":              {testdata + "/demo/v1", *ctrRow("人工智能", 1, .8, "人工智能技术介绍")},
		"tensors":             {testdata + "/widedeep/onnx", wide},
		"fields of a network": {testdata + "/widedeep-bundle", raw},
		"looked-up text": {examples + "/tf2_tables", model.Row{Values: []model.Value{
			{Set: true, Int: 40}, {Set: true, Str: "books"}, {Set: true, Str: "phone"}, {Set: true, Num: .25},
		}}},
		"a tf.Example": {examples + "/tf2_dcn_example", example},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Open(t.Context(), c.artifact, model.Options{Tokenizer: tokenizer})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			rows := make([]model.Row, 100)
			for i := range rows {
				rows[i] = c.row
			}
			out, all := make([]float64, len(rows)), make([]float64, len(m.Signature().Scores))
			if n := testing.AllocsPerRun(200, func() {
				_, one := m.Predict(&rows[0])
				for _, err := range []error{one, m.PredictInto(&rows[0], all), m.PredictBatch(rows, out)} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
