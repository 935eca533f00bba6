// Package model opens an artifact and predicts with it: the one door to everything under runtime/ that knows formats,
// features and arithmetic, for the server, for the tools, and for programs that embed the engine.
//
//	m, err := model.Open(ctx, "artifact/", model.Options{})
//	p, err := m.Predict(&model.Row{Features: []float64{…}})
//
// Errors have types, because callers decide on them: *LoadError says why an artifact cannot be served, in the closed
// list of reasons that the operator shows; *InputError says which input cannot be predicted.
package model
