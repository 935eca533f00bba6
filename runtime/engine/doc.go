// Package engine compiles a graph, once, and runs it, many times. Compiling leaves out what no output needs, computes what
// does not depend on the inputs, lets operators prepare their constants, and fuses operators that are faster as one.
//
// A run happens in a Run, which holds the tensors of every value; runs are pooled, and a tensor keeps its storage, so that
// after the first few nothing is allocated, whatever the size of the batch.
package engine
