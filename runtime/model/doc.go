// Package model opens an artifact and predicts with it: the one door to everything under runtime/ that knows formats,
// features and arithmetic, for the server, for the tools, and for programs that embed the engine.
//
//	m, err := model.Open(ctx, "artifact/", model.Options{})
//	p, err := m.Predict(&model.Row{Features: []float64{…}})
//
// An artifact is a file or a directory of any supported format: scikit-learn's pickles, Keras's .h5 and .keras files,
// TensorFlow SavedModels, and ONNX. Which one it is, its content tells; formats.go has the table. What it takes is its
// Signature: the names, types and shapes of its inputs, in the order of a Row's Values.
//
// Errors have types, because callers decide on them: *LoadError says why an artifact cannot be served, in the closed
// list of reasons that the operator shows; *InputError says which input cannot be predicted.
package model
