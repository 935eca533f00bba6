// Package keras reads Keras models: HDF5 files (".h5") of Keras 2 and 3, and the archives (".keras") of Keras 2.12 and
// later. Such a file is a configuration, JSON that says which layers there are and what is connected with what, and the
// layers' weights. The layers are looked up in one table (layers.go), the operators that functional models record between
// them in another (operators.go), and become the nodes of a graph.Graph.
//
//	root attribute model_config, group model_weights     what of an .h5 is read
//	config.json, metadata.json, model.weights.h5, assets  what of an archive is read
//
// # Bounds
//
// Files are untrusted. Nothing that they name is resolved but the entries of the two tables; a Lambda layer, which carries
// Python's bytecode, is refused. The configuration's size and depth, the number of layers and of calls, and all weights
// together are bounded; a weight's shape is compared with the configuration before there is memory for it. Entries of an
// archive are looked up by their exact names and nothing is unpacked to a disk; one whose name leads out of the archive
// makes it unsafe. Weights go from the file straight into their tensors, so that loading needs hardly more memory than they
// do: only where the archive's weights are deflated (Keras stores them) are they unpacked in memory first. Beside them,
// reading takes up to 128 bytes for each of the configuration's.
//
// # Exactness
//
// Layers are lowered to the operations of Keras's TensorFlow backend, in its order. Where Keras 2 and 3 differ, the layer
// follows the version that wrote the file.
package keras
