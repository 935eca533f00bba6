package kernel

// lanes is how many columns of a matrix lie together: what one AVX-512 register holds.
const lanes = 16

// narrowest is the width up to which a matrix is laid out in columns, one dot product each.
const narrowest = 4

// Weights are a matrix and a bias, laid out for Dense in the way that all sets read: blocks of 16 columns, the last
// padded with zeros, of which the rows follow each other; or, where there are very few columns, one after another, each
// padded with zeros to a multiple of 16.
type Weights struct {
	// In and Out are the number of rows and of columns: of elements that a layer takes, and gives.
	In, Out int

	data []float32
	bias []float32 // padded to a multiple of 16
}

// Pack returns the weights of a matrix in row-major order, In × Out, or Out × In where it is transposed. bias has Out
// elements, or is nil for none.
func Pack(matrix []float32, in, out int, transposed bool, bias []float32) *Weights {
	w := &Weights{}
	w.Pack(matrix, in, out, transposed, bias)
	return w
}

// Pack is the function Pack into weights that there are: their memory is used again where it is large enough.
func (w *Weights) Pack(matrix []float32, in, out int, transposed bool, bias []float32) {
	_ = matrix[:in*out]
	w.In, w.Out = in, out
	w.bias = grow(w.bias, padded(out))
	copy(w.bias, bias[:min(len(bias), out)])
	rowStep, columnStep := out, 1
	if transposed {
		rowStep, columnStep = 1, in
	}
	if w.narrow() {
		stride := padded(in)
		w.data = grow(w.data, stride*out)
		for j := range out {
			to := w.data[j*stride:][:in]
			for i := range to {
				to[i] = matrix[i*rowStep+j*columnStep]
			}
		}
		return
	}
	w.data = grow(w.data, in*padded(out))
	for j := 0; j < out; j += lanes {
		block := w.data[j*in:]
		for i := range in {
			to := block[i*lanes:][:min(lanes, out-j)]
			for k := range to {
				to[k] = matrix[i*rowStep+(j+k)*columnStep]
			}
		}
	}
}

// Bytes is how much memory the weights take.
func (w *Weights) Bytes() int { return 4 * (cap(w.data) + cap(w.bias)) }

func (w *Weights) narrow() bool { return w.Out <= narrowest }

// blocks is how many blocks of 16 columns there are.
func (w *Weights) blocks() int { return padded(w.Out) / lanes }

func padded(n int) int { return (n + lanes - 1) / lanes * lanes }

// grow returns a slice of n zeros, s where that is large enough.
func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	s = s[:n]
	clear(s)
	return s
}
