// Package savedmodel reads TensorFlow SavedModels, those of TensorFlow 1 and of 2, from untrusted sources: a folder with
// saved_model.pb, variables/ and assets/.
//
//	saved_model.pb (protocol buffer) -> nodes, functions, signatures    proto.go
//	restore op, run on names only    -> which variable is in which key   effects.go
//	initialiser, run likewise        -> what is in which table           effects.go
//	a signature, followed back from its outputs, functions inlined       scope.go
//	  -> one operator after the other                                    table.go, and ops_*.go
//
// # How variables and tables get their content
//
// As in TensorFlow Serving: the graph has a node that restores all variables, and one that initialises all tables. This reader
// follows both, but moves names instead of numbers: RestoreV2 gives the key of a tensor in variables/, an assignment binds
// it to a variable. What no signature needs is never read. TensorFlow 1 and 2, estimators and Keras all export these two
// nodes, so the object graph of TensorFlow 2 is not needed.
//
// # Operators
//
// The closed list is in table.go: one line per operator. Everything else is an error that names operator and node. Operators
// that run code or touch files are Unsafe; no node reads or writes a file, and asset files are found by what the model
// lists, within the folder. Assertions, and whatever else is only there for its effect, are left out.
//
// # Bounds
//
// Nodes, attributes and constants count against MemoryFactor bytes for each byte of saved_model.pb and a constant, constants
// that repeat one value for a large shape, too. A model has MaxNodes nodes at most. Functions may be called MaxDepth deep,
// MaxCalls times in all, and everything inlined has graph.MaxValues values at most. Variables are read once each. A
// table takes about 64 bytes for each byte of its file, where that has nothing but ends of lines, and less else. Cycles
// (loops of TensorFlow 1) are errors.
package savedmodel
