package model_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

func TestPredictRefusesInputs(t *testing.T) {
	ctr := open(t, testdata+"/demo/v1")
	vector := open(t, fixtures.Path(t, "sklearn/1.9.1/bare-liblinear.pkl"))
	nan, inf := math.NaN(), math.Inf(1)
	missing := func(field int) *model.Row {
		row := ctrRow("q", 1, 0.5, "s")
		row.Values[field].Set = false
		return row
	}
	withNaN := make([]float64, 12)
	withNaN[3] = nan
	for name, test := range map[string]struct {
		model   *model.Model
		row     *model.Row
		field   string
		message string
	}{
		"query missing":       {ctr, missing(0), "query", "missing"},
		"position missing":    {ctr, missing(2), "position", "missing"},
		"score missing":       {ctr, missing(3), "score", "missing"},
		"summary missing":     {ctr, missing(4), "summary", "missing"},
		"no values":           {ctr, &model.Row{}, "query", "missing"},
		"position -1":         {ctr, ctrRow("q", -1, 0.5, "s"), "position", "must not be -1"},
		"position NaN":        {ctr, ctrRow("q", nan, 0.5, "s"), "position", "range"},
		"position infinite":   {ctr, ctrRow("q", inf, 0.5, "s"), "position", "range"},
		"score NaN":           {ctr, ctrRow("q", 1, nan, "s"), "score", "range"},
		"score infinite":      {ctr, ctrRow("q", 1, -inf, "s"), "score", "range"},
		"too short":           {ctr, &model.Row{Features: make([]float64, 11)}, "features", "must have 12 numbers, not 11"},
		"empty":               {vector, &model.Row{Features: []float64{}}, "features", "must have 12 numbers, not 0"},
		"too long":            {vector, &model.Row{Features: make([]float64, 13)}, "features", "not 13"},
		"NaN":                 {vector, &model.Row{Features: withNaN}, "features", "NaN at 3"},
		"fields for a vector": {vector, ctrRow("q", 1, 0.5, "s"), "features", "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := test.model.Predict(test.row)
			var input *model.InputError
			if !errors.As(err, &input) {
				t.Fatalf("got %v, %v; expected an InputError", p, err)
			}
			if input.Field != test.field || !strings.Contains(input.Message, test.message) {
				t.Errorf("got %q: %q, expected %q: …%q…", input.Field, input.Message, test.field, test.message)
			}
		})
	}
}

func TestPredictBatch(t *testing.T) {
	m := open(t, testdata+"/demo/v1")
	rows := []model.Row{*ctrRow("人工智能", 1, 0.8, "人工智能技术介绍"), {Features: make([]float64, 12)}, *ctrRow("q", 3, 0.1, "s")}
	out := make([]float64, len(rows))
	if err := m.PredictBatch(rows, out); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if p, err := m.Predict(&rows[i]); err != nil || p != out[i] {
			t.Errorf("row %d: %v in the batch, %v, %v alone", i, out[i], p, err)
		}
	}
	rows[2] = *ctrRow("q", -1, 0.1, "s")
	var input *model.InputError
	if err := m.PredictBatch(rows, out); !errors.As(err, &input) || input.Index != 2 || input.Field != "position" {
		t.Errorf("got %v, expected an InputError about row 2", err)
	}
	if err := m.PredictBatch(rows, out[:1]); err == nil {
		t.Error("a batch is predicted into too small a place")
	}
}

func TestPredictConcurrently(t *testing.T) {
	m := open(t, testdata+"/demo/v2")
	rows := []*model.Row{
		ctrRow("人工智能", 1, 0.8, "人工智能技术介绍"), ctrRow("deep learning", 2, 0.7, "DL introduction"),
		ctrRow("自然语言处理", 3, 0.5, "中文分词和词性标注"), {Features: make([]float64, 12)},
	}
	expected := make([]float64, len(rows))
	for i, row := range rows {
		p, err := m.Predict(row)
		if err != nil {
			t.Fatal(err)
		}
		expected[i] = p
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for n := range 500 {
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

func BenchmarkPredictVector(b *testing.B) {
	m := open(b, fixtures.Path(b, "sklearn/1.9.1/parts-scaler.pkl"))
	row := &model.Row{Features: []float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPredictCTR(b *testing.B) {
	m := open(b, testdata+"/demo/v1")
	row := ctrRow("人工智能", 1, 0.8, "人工智能技术介绍")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		open(b, fixtures.Path(b, "sklearn/1.9.1/parts-scaler.pkl"))
	}
}

// The network of 30,099 parameters, from the fields of a request.
func BenchmarkPredictWideDeep(b *testing.B) {
	m, err := model.Open(b.Context(), testdata+"/widedeep-bundle", model.Options{Tokenizer: tokenizer})
	if err != nil {
		b.Fatal(err)
	}
	row := ctrRow("人工智能", 1, 0.8, "人工智能技术介绍")
	row.Values[1] = model.Value{Set: true, Str: "doc_1"}
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			rows, out := make([]model.Row, size), make([]float64, size)
			for i := range rows {
				rows[i] = *row
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := m.PredictBatch(rows, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/row")
		})
	}
}
