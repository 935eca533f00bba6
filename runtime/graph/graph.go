// Package graph has what a network is to the engine: values, and the nodes that compute them of each other, in an order in
// which they can be run. Readers of formats build one with a Builder; runtime/engine compiles and runs it.
//
// Operators are runtime/op's: each is a struct, whose fields are its attributes, that implements Op. Graphs come from
// untrusted files, so an operator checks the types and shapes that it gets, every time it runs, and takes memory only
// from its Frame, which counts.
package graph

import "github.com/ctr-operator/ctr-operator/runtime/tensor"

// Value is one of a graph's values: an input's, a constant's, or what a node computes.
type Value int

// None is the value of an operator's optional input that is absent.
const None Value = -1

// Op is an operator. It is immutable, and safe for concurrent use.
type Op interface {
	// Name is the operator's, in errors and in listings.
	Name() string
	// Run computes out of in. An optional input that is absent is nil. Inputs must not be changed, and outputs must be
	// resized by the frame, or be made views of an input. Its errors name what does not fit.
	Run(f *Frame, in, out []*tensor.Tensor) error
}

// Preparer is an operator that can do work ahead where inputs are constant: pack weights, build tables.
type Preparer interface {
	Op
	// Prepare returns the operator to run instead, with the same inputs; constants has nil for what is not constant.
	Prepare(constants []*tensor.Tensor) (Op, error)
}

// Weighted is an operator that has weights of its own, beside those that it takes as constants.
type Weighted interface {
	Op
	// Weights is how many numbers training left behind in it, and how many bytes they take.
	Weights() (count, bytes int64)
}

// Node applies an operator to values.
type Node struct {
	Op Op
	// Name is the node's in the artifact, for errors.
	Name    string
	In, Out []Value
}

// Any is the size of a dimension that is known only when the graph is run, as that of the batch is.
const Any = -1

// Input is a value that is given at each run.
type Input struct {
	Name  string
	DType tensor.DType
	// Shape has Any where it is not known. The first dimension is the batch's.
	Shape []int
	Value Value
	// Default stands for what a request leaves out, for one example; nil where it must be given.
	Default *tensor.Tensor
	// Sample is an element that the graph has an answer to, where it may have none to zeros and empty texts; else nil. It is
	// of the input's type.
	Sample *tensor.Tensor
}

// Role says what an output is to a click model, where the artifact tells.
type Role uint8

// The roles.
const (
	// Unknown is an output of which nothing is known but its name.
	Unknown Role = iota
	// Probability is that of a click; or one for each class, with Labels.
	Probability
	// Regression is a regressor's value.
	Regression
	// Other is an output that is not to be served as a score: logits, class labels.
	Other
)

// Output is a value that is asked for.
type Output struct {
	Name  string
	Value Value
	Role  Role
	// Labels are the names of the classes, of which the last dimension has one each; nil where they are not known.
	Labels []string
}

// Example says that the graph's input of that name takes serialized tf.Example messages with these features.
type Example struct {
	Input    string
	Features []Feature
}

// Feature is one of a tf.Example's.
type Feature struct {
	Name string
	// DType is Float32, Int64 or String.
	DType tensor.DType
	// Shape is one example's: nil for one value; a dimension is Any where an example may have any number of values.
	Shape []int
	// Required says that there is no default.
	Required bool
	// Padded says that the values are filled up to those of the longest example in a batch, so that what is computed of an
	// example may depend on the others.
	Padded bool
}

// Graph is a network. It is not changed once it is built.
type Graph struct {
	Inputs  []Input
	Outputs []Output
	// Nodes are in an order in which each comes after those whose values it takes.
	Nodes []Node
	// Constants are the values that are known.
	Constants map[Value]*tensor.Tensor
	// Values is how many there are: they are numbered from 0.
	Values int
	// Example is nil where the inputs are tensors.
	Example *Example
}
