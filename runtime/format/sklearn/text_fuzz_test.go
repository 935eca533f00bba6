package sklearn

import (
	"errors"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// FuzzVectorizer: whatever the parameters, the vocabulary and the text, the result is a sound model or a typed error.
func FuzzVectorizer(f *testing.F) {
	f.Add(uint8(0), `\w+`, "word", "", int64(1), int64(2), "aa\nbb", int64(1), "aa bb AA")
	f.Add(uint8(1), `(?u)\b\w\w+\b`, "char_wb", "ascii", int64(2), int64(3), "aa", int64(0), "é ab")
	f.Add(uint8(2), `.`, "char", "unicode", int64(1), int64(1), "a\nb\nc", int64(64), "ΣΑΣ İ")
	f.Add(uint8(3), ``, "string", "", int64(0), int64(0), "a=b\nc", int64(7), "x")
	f.Add(uint8(4), ``, "dict", "=", int64(1), int64(1), "a=b\nc\nc=d=e", int64(2), "b")
	f.Fuzz(func(t *testing.T, class uint8, pattern, kind, accents string, least, most int64, vocabulary string, columns int64, text string) {
		if len(text) > 1000 || columns > 1<<20 {
			return
		}
		known := words(strings.Split(vocabulary, "\n")...)
		changes := attributes{
			"analyzer": pickle.Str(kind), "token_pattern": pickle.Str(pattern), "strip_accents": pickle.Str(accents),
			"ngram_range": pair(pickle.Int(least), pickle.Int(most)), "vocabulary_": known, "n_features": pickle.Int(columns),
			"input_type": pickle.Str(kind), "separator": pickle.Str(accents), "alternate_sign": pickle.Bool(columns&1 == 0),
			"norm": pickle.Str([]string{"l1", "l2"}[least&1]), "sublinear_tf": pickle.Bool(most&1 == 0),
		}
		if accents == "" {
			changes["strip_accents"] = pickle.None{}
		}
		width := []int{len(known.Entries), int(max(columns, 0))}[class%2]
		weights := make([]float64, max(width, 1))
		for i := range weights {
			weights[i] = float64(i%5) - 1.5
		}
		if width == len(known.Entries) {
			changes["_tfidf"] = weighing(attributes{"idf_": vector(weights...), "norm": changes["norm"]})
		}
		first := []*pickle.Object{
			vectorizer("TfidfVectorizer", changes), vectorizer("HashingVectorizer", changes),
			dictVectorizer(changes), hasher(changes), vectorizer("CountVectorizer", changes),
		}[class%5]
		estimator := regression(attributes{"coef_": row(weights...), "n_features_in_": nil})
		model, err := decode(pipelineOf(first, estimator), 1<<20)
		if err != nil {
			if _, typed := errors.AsType[*Error](err); !typed {
				t.Fatalf("%#v is not typed", err)
			}
			return
		}
		predictAll(t, model)
		many := &tabular.Many{Texts: []string{text, kind}, Cells: []tabular.Cell{{Kind: tabular.Text, Str: text}, {Num: 2}}}
		for _, cell := range []tabular.Cell{
			{Kind: tabular.Text, Str: text}, {Kind: tabular.Texts, Many: many}, {Kind: tabular.Fields, Many: many},
		} {
			p := []float64{0}
			if err := model.PredictCells([]tabular.Cell{cell}, p); err == nil && !(p[0] >= 0 && p[0] <= 1) {
				t.Fatalf("%v is predicted for %+v", p, cell)
			}
		}
	})
}
