package onnx

import (
	"regexp"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/op"
)

func regexFullMatch(c *call) error {
	o, err := op.NewRegexFullMatch(c.string("pattern", ""))
	if err != nil {
		return err
	}
	return c.plain(o, 1, 1)
}

func stringNormalizer(c *call) error {
	c.ignore("locale")
	change := slices.Index([]string{"NONE", "LOWER", "UPPER"}, c.string("case_change_action", "NONE"))
	if change < 0 {
		return fault(Malformed, "there is no case_change_action %s", quoted(c.string("case_change_action", "")))
	}
	o := op.NewStringNormalizer(op.StringCase(change), c.strings("stopwords"), c.bool("is_case_sensitive", false))
	return c.plain(o, 1, 1)
}

func stringSplit(c *call) error {
	if err := c.arity(1, 1); err != nil {
		return err
	}
	o := op.StringSplit{Delimiter: c.string("delimiter", ""), Max: c.int("maxsplit", -1)}
	return c.bind(c.addN(o, 2, c.in...)...)
}

func tfIdfVectorizer(c *call) error {
	weighting := slices.Index([]string{"TF", "IDF", "TFIDF"}, c.string("mode", ""))
	if weighting < 0 {
		return fault(Malformed, "there is no mode %s", quoted(c.string("mode", "")))
	}
	o, err := op.NewTfIdfVectorizer(op.Ngrams{
		Strings: c.strings("pool_strings"), Ints: c.ints("pool_int64s"), Begins: c.ints("ngram_counts"),
		Columns: c.ints("ngram_indexes"), Weights: c.floats("weights"), Weighting: op.Weighting(weighting),
		Min: c.int("min_gram_length", 1), Max: c.int("max_gram_length", 1), Skip: c.int("max_skip_count", 0),
	})
	if err != nil {
		return err
	}
	return c.plain(o, 1, 1)
}

// tokenizer is not of ONNX, but of ONNX Runtime; what converts scikit-learn's vectorizers emits it.
func tokenizer(c *call) error {
	c.ignore("stopwords")
	if len(c.strings("stopwords")) > 0 {
		return fault(Unsupported, "it has stop words")
	}
	o := &op.Tokenizer{Pad: c.string("pad_value", ""), MinChars: c.int("mincharnum", 1), Mark: c.bool("mark", false)}
	if pattern := c.string("tokenexp", ""); pattern != "" {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return fault(Unsupported, "its tokenexp: %w", err)
		}
		o.Pattern = compiled
	}
	for _, separator := range c.strings("separators") {
		if separator == "" {
			continue
		}
		compiled, err := regexp.Compile(separator)
		if err != nil {
			return fault(Unsupported, "its separators: %w", err)
		}
		o.Separators = append(o.Separators, compiled)
	}
	return c.plain(o, 1, 1)
}
