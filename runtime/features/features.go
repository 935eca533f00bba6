// Package features computes a model's inputs from the fields of a request.
//
// In the room: the feature sets that models are trained on, as pure functions of a request's fields, and the tokenizer
// they count with. No I/O and no state but reused buffers. A feature set is a contract with whoever trained the model:
// its numbers are never "improved", a different set gets a name of its own.
package features

import "github.com/ctr-operator/ctr-operator/runtime/features/jieba"

// Tokenizer splits text exactly as Python's jieba.lcut does.
type Tokenizer = jieba.Tokenizer

// LoadTokenizer unpacks the dictionary, which takes some tens of milliseconds. Whoever owns the process makes one
// source of it and passes that on, so that it is loaded once, only where a model needs it, or early, beside the fetch:
//
//	source := sync.OnceValues(features.LoadTokenizer)
func LoadTokenizer() (*Tokenizer, error) {
	return jieba.Load()
}
