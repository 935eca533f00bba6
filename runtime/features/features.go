// Package features computes a model's inputs from the fields of a request, as a feature file says.
//
// A feature file (features.yaml in a bundle, or one of the presets) is written in a small declarative language: which
// fields a request has, and how each feature is made of them. Read checks it and turns it into a list of instructions over
// numbered places, with no more than one for the same thing; that is a Set. A Frame holds the places of one example,
// and is used again for the next, so that nothing is allocated. docs/features.md is the language's reference.
//
//	set, err := features.Read("features.yaml", data, features.Options{})
//	f := set.Acquire()
//	f.SetNumber(0, 3)
//	err = f.Run()
//	err = features.Numbers(f, 0, vector)
//	f.Release()
//
// A feature set is a contract with whoever trained the model: its numbers are never "improved". An operator is a struct in
// one of the files named for what they make, and a line in the table in operators.go.
//
// No I/O, and no state but reused buffers. Feature files come from strangers: they are bounded in size and depth, and
// nothing of them is run but the instructions here.
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
