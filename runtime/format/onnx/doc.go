// Package onnx reads ONNX models, of operator set 9 to the current one and of ai.onnx.ml, from untrusted sources, and makes
// the engine's graph of them. Models of older sets are read where their operators have the form that they have since, as some
// converters state an old set for a model that needs no newer one; what they had else, an attribute tells.
//
// A model is a protocol buffer: a graph of nodes, each with the name of an operator, attributes, and the names of what it
// takes and computes; tensors of weights, in the same file or in others beside it; and functions, which are graphs to be put
// where they are called. The file is decoded (proto.go, tensorproto.go), weights become tensors (convert.go, files.go), and
// each node becomes one operator of runtime/op or a few (lower.go, call.go). Which, the table in operators.go says; where
// versions differ, the older ones are brought to the form of the latest, so that an axis which was an attribute becomes a
// constant input. An attribute that nobody asked for is an error: what is not understood is not passed over.
//
// Branches (If) are taken where their condition follows from constants. ZipMap, which makes maps of probabilities, is
// passed over; the output is the tensor, whose labels are the keys. Half floats and narrow integers are read where they are
// weights, and widened; a graph that computes in half floats is refused, as its numbers would be others.
//
// # Bounds
//
// Nothing is believed before it is compared with the file: dimensions with the bytes that there are, external data with the
// size of the file, which must be below the model's directory. Tensors take at most Expansion times the bytes of the files.
// What is decoded beside tensors counts against the limits of runtime/format/wire, and functions may grow to a stated
// multiple of the nodes in the file, and to a depth. Nodes must be in order, so that there is no cycle.
package onnx
