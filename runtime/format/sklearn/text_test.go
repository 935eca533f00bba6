package sklearn

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

func pair(items ...pickle.Node) *pickle.Tuple { return &pickle.Tuple{Items: items} }

// words is a vocabulary that gives each word its place.
func words(listed ...string) *pickle.Dict {
	d := &pickle.Dict{}
	for i, word := range listed {
		d.Entries = append(d.Entries, pickle.Entry{Key: pickle.Str(word), Value: pickle.Int(i)})
	}
	return d
}

var analyzing = attributes{
	"input": pickle.Str("content"), "analyzer": pickle.Str("word"), "lowercase": pickle.Bool(true),
	"token_pattern": pickle.Str(`(?u)\b\w\w+\b`), "ngram_range": pair(pickle.Int(1), pickle.Int(1)),
	"dtype": &pickle.Class{Module: "numpy", Name: "float64"}, "vocabulary_": words("aa", "bb"),
}

func vectorizer(name string, changes ...attributes) *pickle.Object {
	return object("sklearn.feature_extraction.text", name, append([]attributes{analyzing}, changes...)...)
}

func weighing(changes attributes) *pickle.Object {
	return object("sklearn.feature_extraction.text", "TfidfTransformer",
		attributes{"norm": pickle.Str("l2"), "use_idf": pickle.Bool(true), "idf_": vector(1, 2)}, changes)
}

func diagonal(changes attributes) attributes {
	return attributes{"idf_": nil, "_idf_diag": object("scipy.sparse._csr", "csr_matrix",
		attributes{"data": vector(1, 2), "indices": ints(0, 1), "indptr": ints(0, 1, 2)}, changes)}
}

func hasher(changes attributes) *pickle.Object {
	return object("sklearn.feature_extraction._hash", "FeatureHasher", attributes{
		"n_features": pickle.Int(2), "input_type": pickle.Str("dict"), "alternate_sign": pickle.Bool(true),
		"dtype": &pickle.Class{Module: "numpy", Name: "float64"},
	}, changes)
}

func dictVectorizer(changes attributes) *pickle.Object {
	return object("sklearn.feature_extraction._dict_vectorizer", "DictVectorizer", attributes{
		"vocabulary_": words("price", "shop=a"), "separator": pickle.Str("="), "sparse": pickle.Bool(true),
		"dtype": &pickle.Class{Module: "builtins", Name: "float"},
	}, changes)
}

func TestVectorizersAreRefused(t *testing.T) {
	callable := &pickle.Object{Class: &pickle.Class{Module: "__main__", Name: "f"}, Args: &pickle.Tuple{}}
	twice := words("aa", "bb")
	twice.Entries[1].Value = pickle.Int(0)
	outside := words("aa", "bb")
	outside.Entries[1].Value = pickle.Int(2)
	negative := words("aa", "bb")
	negative.Entries[1].Value = pickle.Int(-1)
	for name, c := range map[string]struct {
		first       pickle.Node
		unsupported bool
		words       []string
	}{
		"file names":          {vectorizer("CountVectorizer", attributes{"input": pickle.Str("filename")}), true, []string{".input", "filename"}},
		"callable analyzer":   {vectorizer("CountVectorizer", attributes{"analyzer": callable}), true, []string{".analyzer", "char_wb"}},
		"callable tokenizer":  {vectorizer("CountVectorizer", attributes{"tokenizer": callable}), true, []string{".tokenizer", "program of its own"}},
		"callable preparing":  {vectorizer("HashingVectorizer", attributes{"preprocessor": callable}), true, []string{".preprocessor"}},
		"callable accents":    {vectorizer("CountVectorizer", attributes{"strip_accents": callable}), true, []string{".strip_accents"}},
		"pattern":             {vectorizer("CountVectorizer", attributes{"token_pattern": pickle.Str("(?=a)")}), true, []string{".token_pattern", "(?="}},
		"no grams":            {vectorizer("CountVectorizer", attributes{"ngram_range": pair(pickle.Int(1))}), true, []string{".ngram_range"}},
		"grams of nothing":    {vectorizer("CountVectorizer", attributes{"ngram_range": pair(pickle.Int(0), pickle.Int(1))}), true, []string{".ngram_range"}},
		"huge grams":          {vectorizer("CountVectorizer", attributes{"ngram_range": pair(pickle.Int(1), pickle.Int(1<<40))}), true, []string{".ngram_range"}},
		"unknown stop words":  {vectorizer("CountVectorizer", attributes{"stop_words": pickle.Str("german")}), true, []string{".stop_words", "german"}},
		"stop numbers":        {vectorizer("CountVectorizer", attributes{"stop_words": &pickle.Set{Items: []pickle.Node{pickle.Int(1)}}}), false, []string{".stop_words"}},
		"not fitted":          {vectorizer("CountVectorizer", attributes{"vocabulary_": nil}), false, []string{"before it was fitted"}},
		"empty vocabulary":    {vectorizer("CountVectorizer", attributes{"vocabulary_": words()}), false, []string{"empty"}},
		"set of words":        {vectorizer("CountVectorizer", attributes{"vocabulary_": nil, "vocabulary": &pickle.Set{}}), true, []string{"set"}},
		"column twice":        {vectorizer("CountVectorizer", attributes{"vocabulary_": twice}), false, []string{"twice"}},
		"word twice":          {vectorizer("CountVectorizer", attributes{"vocabulary_": words("aa", "aa")}), false, []string{"twice"}},
		"column outside":      {vectorizer("CountVectorizer", attributes{"vocabulary_": outside}), false, []string{"no column", "bb"}},
		"negative column":     {vectorizer("CountVectorizer", attributes{"vocabulary_": negative}), false, []string{"no column"}},
		"numbers as words":    {vectorizer("CountVectorizer", attributes{"vocabulary_": &pickle.Dict{Entries: []pickle.Entry{{Key: pickle.Int(1), Value: pickle.Int(0)}}}}), true, []string{"key"}},
		"single precision":    {vectorizer("CountVectorizer", attributes{"dtype": &pickle.Class{Module: "numpy", Name: "float32"}}), true, []string{".dtype"}},
		"too few words":       {vectorizer("CountVectorizer", attributes{"vocabulary_": words("aa")}), false, []string{"coef_"}},
		"no weights":          {vectorizer("TfidfVectorizer"), false, []string{"_tfidf"}},
		"weights of others":   {vectorizer("TfidfVectorizer", attributes{"_tfidf": weighing(attributes{"idf_": vector(1, 2, 3)})}), false, []string{"idf_"}},
		"infinite weights":    {vectorizer("TfidfVectorizer", attributes{"_tfidf": weighing(attributes{"idf_": vector(1, math.Inf(1))})}), false, []string{"idf_"}},
		"weights not fitted":  {vectorizer("TfidfVectorizer", attributes{"_tfidf": weighing(attributes{"idf_": nil})}), false, []string{"before it was fitted"}},
		"norm":                {vectorizer("TfidfVectorizer", attributes{"_tfidf": weighing(attributes{"norm": pickle.Str("l3")})}), true, []string{".norm", "l3"}},
		"no diagonal":         {vectorizer("TfidfVectorizer", attributes{"_tfidf": weighing(diagonal(attributes{"indices": ints(1, 0)}))}), false, []string{"diagonal"}},
		"holes in a diagonal": {vectorizer("TfidfVectorizer", attributes{"_tfidf": weighing(diagonal(attributes{"indptr": ints(0, 2, 2)}))}), false, []string{"diagonal"}},
		"hash of nothing":     {vectorizer("HashingVectorizer", attributes{"n_features": pickle.Int(0)}), false, []string{".n_features"}},
		"huge hash":           {vectorizer("HashingVectorizer", attributes{"n_features": pickle.Int(1 << 30)}), false, []string{"more numbers"}},
		"hash of more":        {hasher(attributes{"n_features": pickle.Int(1 << 31)}), false, []string{".n_features"}},
		"hash of others":      {hasher(attributes{"n_features": pickle.Int(3)}), false, []string{"coef_"}},
		"input type":          {hasher(attributes{"input_type": pickle.Str("bytes")}), true, []string{".input_type", "bytes"}},
		"fields not fitted":   {dictVectorizer(attributes{"vocabulary_": nil}), false, []string{"vocabulary_"}},
		"fields of integers":  {dictVectorizer(attributes{"dtype": &pickle.Class{Module: "numpy", Name: "int64"}}), true, []string{".dtype"}},
		"scaler before text":  {scaler(), false, []string{"single"}},
	} {
		artifact := pipelineOf(c.first, regression())
		if name == "scaler before text" {
			artifact = pipelineOf(c.first, vectorizer("CountVectorizer"), regression())
		}
		_, err := decode(artifact, 1000)
		refused, ok := errors.AsType[*Error](err)
		if !ok || refused.Unsupported != c.unsupported {
			t.Errorf("%s: %v, unsupported must be %v", name, err, c.unsupported)
			continue
		}
		for _, word := range c.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the message lacks %q: %v", name, word, err)
			}
		}
	}
}

// TestSharedVocabulariesAreBounded: a small file may refer to a vocabulary many times.
func TestSharedVocabulariesAreBounded(t *testing.T) {
	var listed []string
	for i := range 10_000 {
		listed = append(listed, fmt.Sprint("word", i))
	}
	vocabulary := words(listed...)
	union := &pickle.List{}
	for i := range 1000 {
		union.Items = append(union.Items, pair(pickle.Str(fmt.Sprint(i)),
			vectorizer("CountVectorizer", attributes{"vocabulary_": vocabulary})))
	}
	artifact := pipelineOf(object("sklearn.pipeline", "FeatureUnion", attributes{"transformer_list": union}), regression())
	if _, err := decode(artifact, 200_000); err == nil || !strings.Contains(err.Error(), "more numbers") {
		t.Errorf("got %v", err)
	}
}

func TestFieldsAreKnown(t *testing.T) {
	model, err := decode(pipelineOf(dictVectorizer(nil), regression()), 1000)
	if err != nil {
		t.Fatal(err)
	}
	column := model.Columns[0]
	if column.Kind != tabular.Fields || column.Open || len(column.Fields) != 2 ||
		column.Fields[0].Name != "price" || column.Fields[0].Kind != tabular.Number ||
		column.Fields[1].Name != "shop" || column.Fields[1].Kind != tabular.Text {
		t.Errorf("%+v", column)
	}
	model, err = decode(pipelineOf(hasher(nil), regression()), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if column := model.Columns[0]; column.Kind != tabular.Fields || !column.Open || column.Fields != nil {
		t.Errorf("%+v", column)
	}
}
