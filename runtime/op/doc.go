// Package op has the operators of graphs: a struct for each, whose fields are its attributes, and whose Run checks the types
// and shapes that it gets, and computes. Names, attributes, optional inputs and broadcasting are those of ONNX's latest
// operator set where ONNX has the operator (https://onnx.ai/onnx/operators); files named for a framework have what only that one
// needs. Formats lower what they read to these.
//
// Attributes have no defaults here: a field that a format leaves out gets the format's default where the node is made.
//
// Adding an operator takes a struct in a file here, a line in the table of each format that has it, and a sample in the
// tests, which then run it on hostile inputs, too.
package op
