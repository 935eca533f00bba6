package kernel

// MatMul is out[i, j] = Σ a[i, k]·b[k, j] for matrices in row-major order, m × n, m × inner and inner × n: the one for types
// that have no faster kernel, and for what is multiplied once. out must not overlap a or b.
func MatMul[T float32 | float64 | int32 | int64](out, a, b []T, m, inner, n int) {
	out, a, b = out[:m*n], a[:m*inner], b[:inner*n]
	for i := range m {
		to := out[i*n:][:n]
		clear(to)
		for k, v := range a[i*inner:][:inner] {
			row := b[k*n:][:n]
			for j := range to {
				to[j] += v * row[j]
			}
		}
	}
}

// CopyRows copies rows of a table, of width elements each, to out, where they begin every stride elements. The index must
// have been checked.
func CopyRows[T any, I int32 | int64](out []T, stride int, table []T, width int, index []I) {
	switch width {
	case 4:
		for r, i := range index {
			*(*[4]T)(out[r*stride:]) = [4]T(table[int(i)*4:])
		}
	case 8:
		for r, i := range index {
			*(*[8]T)(out[r*stride:]) = [8]T(table[int(i)*8:])
		}
	case 16:
		for r, i := range index {
			*(*[16]T)(out[r*stride:]) = [16]T(table[int(i)*16:])
		}
	default:
		for r, i := range index {
			copy(out[r*stride:][:width], table[int(i)*width:][:width])
		}
	}
}

// Softmax is e^a[i] / Σ e^a[k] over the whole of a, to out, which is as long. Where an element is NaN or +Inf, or all are −Inf,
// every result is NaN.
func (s *Set) Softmax(out, a []float32) {
	if len(a) == 0 {
		return
	}
	out = out[:len(a)]
	greatest := a[0]
	for _, v := range a {
		greatest = max(greatest, v)
	}
	for i, v := range a {
		out[i] = v - greatest
	}
	s.Exp(out, out)
	sum := float32(0)
	for _, v := range out {
		sum += v
	}
	for i := range out {
		out[i] /= sum
	}
}
