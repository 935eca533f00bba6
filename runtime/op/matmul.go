package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// MatMul is numpy's matmul: of matrices, which are the last two dimensions, while those before are broadcast. A vector is
// a row on the left, and a column on the right, and that dimension is left out of the result.
type MatMul struct{}

// Name implements graph.Op.
func (MatMul) Name() string { return "MatMul" }

// Run implements graph.Op.
func (MatMul) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := pair(in, out); err != nil {
		return err
	}
	switch in[0].DType() {
	case tensor.Float32:
		return matMul[float32](f, in[0], in[1], out[0])
	case tensor.Float64:
		return matMul[float64](f, in[0], in[1], out[0])
	case tensor.Int32:
		return matMul[int32](f, in[0], in[1], out[0])
	case tensor.Int64:
		return matMul[int64](f, in[0], in[1], out[0])
	default:
		return typeError("numbers", in[0])
	}
}

func matMul[T number](f *graph.Frame, a, b, y *tensor.Tensor) error {
	left, right := a.Shape(), b.Shape()
	if len(left) == 0 || len(right) == 0 {
		return fmt.Errorf("cannot multiply %v and %v as matrices", a, b)
	}
	var leftBuf, rightBuf dims
	if len(left) == 1 {
		leftBuf[0], leftBuf[1] = 1, left[0]
		left = leftBuf[:2]
	}
	if len(right) == 1 {
		rightBuf[0], rightBuf[1] = right[0], 1
		right = rightBuf[:2]
	}
	m, k, n := left[len(left)-2], left[len(left)-1], right[len(right)-1]
	if right[len(right)-2] != k {
		return fmt.Errorf("cannot multiply %v and %v as matrices", a, b)
	}
	br, err := newBroadcast(left[:len(left)-2], right[:len(right)-2])
	if err != nil {
		return err
	}
	shape := br.shape[:br.rank]
	var buf dims
	shape = append(buf[:0], shape...)
	if a.Rank() > 1 {
		shape = append(shape, m)
	}
	if b.Rank() > 1 {
		shape = append(shape, n)
	}
	if err := f.Resize(y, a.DType(), shape...); err != nil {
		return err
	}
	data, x, w := tensor.Data[T](y), tensor.Data[T](a), tensor.Data[T](b)
	if len(data) == 0 {
		return nil
	}
	// One matrix for all of the batch: its rows are as good as one matrix's.
	if len(right) == 2 {
		return product2(f, data, x, w, len(data)/n, k, n)
	}
	batches := len(data) / (m * n)
	result, size := 0, br.size[0]
	br.walk(batches, func(_, left, right, _ int) {
		for i := range size {
			if err != nil {
				return
			}
			p, q := (left+i*br.step[0][0])*m*k, (right+i*br.step[1][0])*k*n
			err = product2(f, data[result:result+m*n], x[p:p+m*k], w[q:q+k*n], m, k, n)
			result += m * n
		}
	})
	return err
}

// product2 is y = x·w, for x of m rows and k columns, and w of k rows and n columns.
func product2[T number](f *graph.Frame, y, x, w []T, m, k, n int) error {
	rows := rowsAtOnce(k, n)
	for from := 0; from < m; from += rows {
		if err := f.Err(); err != nil {
			return err
		}
		for i := from; i < min(from+rows, m); i++ {
			row := y[i*n : (i+1)*n]
			clear(row)
			accumulate(row, x[i*k:(i+1)*k], w)
		}
	}
	return nil
}

// rowsAtOnce is how many rows of a product are computed between two looks at whether anyone still waits for it.
func rowsAtOnce(k, n int) int { return 1 + (1<<24)/(1+k*n) }

// accumulate adds x·w to y, of which w has a row of y's length for each of x.
func accumulate[T number](y, x, w []T) {
	n := len(y)
	for ; len(x) >= 4; x, w = x[4:], w[4*n:] {
		x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
		w0, w1, w2, w3 := w[:n], w[n:2*n], w[2*n:3*n], w[3*n:4*n]
		for j := range y {
			y[j] += x0*w0[j] + x1*w1[j] + x2*w2[j] + x3*w3[j]
		}
	}
	for ; len(x) > 0; x, w = x[1:], w[n:] {
		x0 := x[0]
		for j, v := range w[:n] {
			y[j] += x0 * v
		}
	}
}

// Gemm is Alpha·A·B + Beta·C, for matrices A and B, transposed if TransA or TransB is set. C, the third input, may be
// absent, and is broadcast to the shape of the product.
type Gemm struct {
	Alpha, Beta    float32
	TransA, TransB bool
}

// Name implements graph.Op.
func (Gemm) Name() string { return "Gemm" }

// Run implements graph.Op.
func (o Gemm) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 3); err != nil {
		return err
	}
	for _, t := range in[1:] {
		if t != nil && t.DType() != in[0].DType() {
			return sameType(in[0], t)
		}
	}
	switch in[0].DType() {
	case tensor.Float32:
		return gemm[float32](f, o, in, out[0])
	case tensor.Float64:
		return gemm[float64](f, o, in, out[0])
	case tensor.Int32:
		return gemm[int32](f, o, in, out[0])
	case tensor.Int64:
		return gemm[int64](f, o, in, out[0])
	default:
		return typeError("numbers", in[0])
	}
}

func gemm[T number](f *graph.Frame, o Gemm, in []*tensor.Tensor, y *tensor.Tensor) error {
	a, b, c := in[0], in[1], given(in, 2)
	if a.Rank() != 2 || b.Rank() != 2 {
		return fmt.Errorf("multiplies matrices, not %v and %v", a, b)
	}
	reversed := dims{1, 0}
	if o.TransA {
		if err := transpose(f, f.Scratch(0), a, &reversed); err != nil {
			return err
		}
		a = f.Scratch(0)
	}
	if o.TransB {
		if err := transpose(f, f.Scratch(1), b, &reversed); err != nil {
			return err
		}
		b = f.Scratch(1)
	}
	m, k, n := a.Shape()[0], a.Shape()[1], b.Shape()[1]
	if b.Shape()[0] != k {
		return fmt.Errorf("cannot multiply %v and %v as matrices", a, b)
	}
	if err := f.Resize(y, a.DType(), m, n); err != nil {
		return err
	}
	data := tensor.Data[T](y)
	if len(data) == 0 {
		return nil
	}
	if err := product2(f, data, tensor.Data[T](a), tensor.Data[T](b), m, k, n); err != nil {
		return err
	}
	scale(data, o.Alpha)
	if c == nil || o.Beta == 0 {
		return nil
	}
	return addScaled[T](data, c, o.Beta, m, n)
}

// scale multiplies by a factor; of integers, what is left of the fraction.
func scale[T number](y []T, by float32) {
	if by == 1 {
		return
	}
	for i, v := range y {
		y[i] = T(float64(v) * float64(by))
	}
}

// addScaled adds c, broadcast to m rows of n columns, times a factor.
func addScaled[T number](y []T, c *tensor.Tensor, by float32, m, n int) error {
	shape := dims{m, n}
	br, err := newBroadcast(shape[:2], c.Shape())
	if err != nil {
		return err
	}
	if br.rank != 2 || br.shape[0] != m || br.shape[1] != n {
		return fmt.Errorf("%v does not fit a product of %d rows and %d columns", c, m, n)
	}
	data := tensor.Data[T](c)
	br.walk(len(y), func(result, _, at, _ int) {
		row, step := y[result:result+br.size[0]], br.step[1][0]
		for i := range row {
			v := data[at+i*step]
			if by != 1 {
				v = T(float64(v) * float64(by))
			}
			row[i] += v
		}
	})
	return nil
}
