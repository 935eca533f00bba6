// Package engine compiles a graph, once, and runs it, many times. Compiling leaves out what no output needs, computes what
// does not depend on the inputs, lets operators prepare their constants, and fuses operators that are faster as one.
//
// A run happens in a Run, which holds the tensors of every value; runs are pooled, and a tensor keeps its storage, so that
// after the first few nothing is allocated, whatever the size of the batch.
//
// Graphs come from untrusted files. Compile checks that a graph does not contradict itself; operators check what they are
// given, each time; what compiling and running may take in memory is bounded by what the file's constants take. An operator that
// panics nevertheless ends in an error.
package engine
