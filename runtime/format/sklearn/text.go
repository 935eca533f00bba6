package sklearn

import (
	"errors"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/features/text"
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// A word of a vocabulary costs as much memory as so many numbers.
const numbersPerWord = 6

// readCounts reads a CountVectorizer.
func readCounts(r *reader, from step, in table) (made, error) {
	return readTerms(r, from, in, nil)
}

// readTFIDF reads a TfidfVectorizer, which is a CountVectorizer that has a TfidfTransformer.
func readTFIDF(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("_tfidf", 0)
	if err != nil {
		return made{}, err
	}
	inner, err := attributes.object("_tfidf")
	if err != nil {
		return made{}, err
	}
	return readTerms(r, from, in, &inner)
}

// readTerms reads the part of a vectorizer that counts words; and its weights, if it has some.
func readTerms(r *reader, from step, in table, weights *step) (made, error) {
	attributes, err := r.oneText(from, in)
	if err != nil {
		return made{}, err
	}
	analyzer, err := r.analyzer(attributes)
	if err != nil {
		return made{}, err
	}
	vocabulary, err := r.vocabulary(attributes)
	if err != nil {
		return made{}, err
	}
	allowed := []string{"int64", "int32", "int", "float64", "float"}
	options := tabular.TermOptions{Binary: attributes.is("binary"), Origins: in.origins}
	if weights != nil {
		allowed = doubles
		if options.Weights, err = r.weights(*weights, vocabulary.Len()); err != nil {
			return made{}, err
		}
	}
	if err := attributes.dtype(allowed); err != nil {
		return made{}, err
	}
	return made{Transform: tabular.VocabularyTerms(analyzer, vocabulary, options)}, nil
}

// oneText returns the attributes of a transformer that takes a text, and says so of its column.
func (r *reader) oneText(from step, in table) (fitted, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return fitted{}, err
	}
	return attributes, r.one(from, in, tabular.Text)
}

// one says of the only column of a table that it is of a kind.
func (r *reader) one(from step, in table, kind tabular.Kind) error {
	if in.Columns != 1 {
		return broken(from.path, "takes one column, and %d come in", in.Columns)
	}
	if err := r.cells(from, in, 0); err != nil {
		return err
	}
	return r.mark(from, in, 0, kind, false)
}

// analyzer reads what a vectorizer does to a text.
func (r *reader) analyzer(from fitted) (*text.Analyzer, error) {
	if input := from.text("input"); input != "content" {
		return nil, unsupported(from.path+".input", "is %.32q; supported is 'content'", input)
	}
	for _, name := range []string{"preprocessor", "tokenizer"} {
		if !from.isNone(name) {
			node, _ := from.Get(name)
			return nil, unsupported(from.path+"."+name, "is %s, a program of its own; supported is None", article(node))
		}
	}
	options := text.Options{Lowercase: from.is("lowercase"), Pattern: from.text("token_pattern")}
	var err error
	if options.Min, options.Max, err = from.grams(); err != nil {
		return nil, err
	}
	if options.Accents, err = from.accents(); err != nil {
		return nil, err
	}
	switch kind := from.text("analyzer"); kind {
	case "word":
		options.Kind = text.Words
		options.StopWords, err = r.stopWords(from)
	case "char":
		options.Kind = text.Chars
	case "char_wb":
		options.Kind = text.CharsInWords
	default:
		return nil, unsupported(from.path+".analyzer", "is not one of 'word', 'char' and 'char_wb'")
	}
	if err != nil {
		return nil, err
	}
	analyzer, err := text.New(options)
	if _, inPattern := errors.AsType[*text.PatternError](err); inPattern {
		return nil, unsupported(from.path+".token_pattern", "%v", err)
	}
	if err != nil {
		return nil, unsupported(from.path+".ngram_range", "%v", err)
	}
	return analyzer, nil
}

// grams reads ngram_range, which text.New checks.
func (f fitted) grams() (least, most int, err error) {
	node, _ := f.Get("ngram_range")
	items := sequence(node)
	if len(items) == 2 {
		first, ok := items[0].(pickle.Int)
		last, also := items[1].(pickle.Int)
		if ok && also && max(first, last) <= text.MaxGram && min(first, last) >= 0 {
			return int(first), int(last), nil
		}
	}
	return 0, 0, unsupported(f.path+".ngram_range", "is not a pair of numbers up to %d", text.MaxGram)
}

// sequence is the items of a list, tuple, set or array; nil of anything else.
func sequence(node pickle.Node) []pickle.Node {
	switch node := node.(type) {
	case *pickle.List:
		return node.Items
	case *pickle.Tuple:
		return node.Items
	case *pickle.Set:
		return node.Items
	case *pickle.Array:
		return items(node)
	default:
		return nil
	}
}

func (f fitted) accents() (text.Accents, error) {
	if f.isNone("strip_accents") {
		return text.KeepAccents, nil
	}
	switch how := f.text("strip_accents"); how {
	case "ascii":
		return text.ASCIIAccents, nil
	case "unicode":
		return text.UnicodeAccents, nil
	default:
		return 0, unsupported(f.path+".strip_accents", "is not one of None, 'ascii' and 'unicode'")
	}
}

// stopWords reads a list of words, or the name of one.
func (r *reader) stopWords(from fitted) ([]string, error) {
	if from.isNone("stop_words") {
		return nil, nil
	}
	path := from.path + ".stop_words"
	node, _ := from.Get("stop_words")
	if node == pickle.Str("english") {
		return text.EnglishStopWords(), nil
	}
	if _, name := node.(pickle.Str); name {
		return nil, unsupported(path, "is %.32q; supported are None, 'english' and lists", from.text("stop_words"))
	}
	listed := sequence(node)
	if err := r.spend(path, numbersPerWord*len(listed)); err != nil {
		return nil, err
	}
	words := make([]string, 0, len(listed))
	for _, item := range listed {
		word, ok := item.(pickle.Str)
		if !ok {
			return nil, broken(path, "has %s, not a word", article(item))
		}
		words = append(words, string(word))
	}
	return words, nil
}

// vocabulary reads which column belongs to which word; without vocabulary_ it is what the vectorizer was made with.
func (r *reader) vocabulary(from fitted) (*tabular.Vocabulary, error) {
	name := "vocabulary_"
	node, _ := from.Get(name)
	if node == nil && !from.isNone("vocabulary") {
		name = "vocabulary"
		node, _ = from.Get(name)
		if _, sorted := node.(*pickle.Set); sorted {
			return nil, unsupported(from.path+"."+name, "is a set; fit the vectorizer before it is saved")
		}
	}
	path := from.path + "." + name
	switch node := node.(type) {
	case *pickle.Dict:
		return r.columnsOfWords(node, path)
	case *pickle.List, *pickle.Tuple, *pickle.Array:
		entries := &pickle.Dict{}
		for i, word := range sequence(node) {
			entries.Entries = append(entries.Entries, pickle.Entry{Key: word, Value: pickle.Int(i)})
		}
		return r.columnsOfWords(entries, path)
	default:
		return nil, broken(from.path, "has no vocabulary_: the vectorizer was saved before it was fitted")
	}
}

// columnsOfWords reads a dict that gives each word its own column.
func (r *reader) columnsOfWords(dict *pickle.Dict, path string) (*tabular.Vocabulary, error) {
	size := len(dict.Entries)
	if size == 0 {
		return nil, broken(path, "is empty")
	}
	if err := r.spend(path, numbersPerWord*size); err != nil {
		return nil, err
	}
	vocabulary, taken := tabular.NewVocabulary(size), make([]bool, size)
	for _, entry := range dict.Entries {
		word, ok := entry.Key.(pickle.Str)
		if !ok {
			return nil, unsupported(path, "has a key that is %s; supported are texts", article(entry.Key))
		}
		column, ok := entry.Value.(pickle.Int)
		if !ok || column < 0 || int64(column) >= int64(size) {
			return nil, broken(path, "has no column of %d for %.64q", size, string(word))
		}
		if taken[column] || !vocabulary.Add(string(word), int32(column)) {
			return nil, broken(path, "has the word %.64q or its column twice", string(word))
		}
		taken[column] = true
	}
	return vocabulary, nil
}

// doubles are the types of a vectorizer whose numbers are of the precision that everything is computed in.
var doubles = []string{"float64", "float"}

// dtype checks the type of the numbers that a vectorizer makes.
func (f fitted) dtype(allowed []string) error {
	node, _ := f.Get("dtype")
	name := ""
	switch node := node.(type) {
	case *pickle.Class:
		name = node.Name
	case *pickle.DType:
		name = map[string]string{"f8": "float64", "i8": "int64", "i4": "int32"}[node.String()]
	case pickle.Str:
		name = string(node)
	}
	if slices.Contains(allowed, name) {
		return nil
	}
	return unsupported(f.path+".dtype", "is not one of %q", allowed)
}
