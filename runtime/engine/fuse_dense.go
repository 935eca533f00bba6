package engine

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// dense is a product with a constant matrix, a bias and an activation, as one: x [..., In] gives [..., Out].
type dense struct {
	weights *kernel.Weights
	act     kernel.Activation
	// rank is how many dimensions x must have; 0 means any but none.
	rank int
}

// Name implements graph.Op.
func (*dense) Name() string { return "Dense" }

// Weights implements graph.Weighted.
func (d *dense) Weights() (count, bytes int64) {
	return int64(d.weights.In+1) * int64(d.weights.Out), int64(d.weights.Bytes())
}

// Run implements graph.Op.
func (d *dense) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	x, y := in[0], out[0]
	if err := d.check(x); err != nil {
		return err
	}
	var buf [tensor.MaxRank]int
	shape := append(buf[:0], x.Shape()...)
	shape[len(shape)-1] = d.weights.Out
	if err := f.Resize(y, tensor.Float32, shape...); err != nil {
		return err
	}
	rows := tensor.Count(shape[:len(shape)-1])
	return d.rows(f, tensor.Data[float32](y), d.weights.Out, tensor.Data[float32](x), rows)
}

// check says whether the layer takes x.
func (d *dense) check(x *tensor.Tensor) error {
	rank := x.Rank()
	if x.DType() != tensor.Float32 || rank == 0 || rank > tensor.MaxRank || x.Shape()[rank-1] != d.weights.In {
		return fmt.Errorf("takes rows of %d numbers in float32, not %v", d.weights.In, x)
	}
	if d.rank != 0 && rank != d.rank {
		return fmt.Errorf("takes %d dimensions, not %v", d.rank, x)
	}
	return nil
}

// rows computes so many rows of x, to y, where they begin every stride elements. Now and then it asks whether to go on.
func (d *dense) rows(f *graph.Frame, y []float32, stride int, x []float32, rows int) error {
	const products = 1 << 28
	w := d.weights
	at := 1 + products/(1+w.In*w.Out)
	for from := 0; from < rows; from += at {
		if err := f.Err(); err != nil {
			return err
		}
		f.Kernels().Dense(y[from*stride:], stride, x[from*w.In:], w.In, min(at, rows-from), w, d.act)
	}
	return nil
}

// layer is a dense layer in the making.
type layer struct {
	matrix  []float32
	in, out int
	// transposed says that the matrix has a row for each output.
	transposed bool
	bias       []float32
	act        kernel.Activation
	rank       int
}

// fuseDense replaces products with constant matrices, and the bias, the normalization by constants and the activation that
// follow, by one operator.
func fuseDense(c *compiler) []graph.Node {
	after := consumers(c.nodes)
	uses, known := c.uses(), inferShapes(c.nodes, c.constants, c.graph.Inputs)
	packs := packing{left: c.constantBytes(), uses: uses}
	done := make([]bool, len(c.nodes))
	var nodes []graph.Node
	for i := range c.nodes {
		if done[i] {
			continue
		}
		l, ok := c.layer(&c.nodes[i], known)
		if !ok || !packs.allows(&c.nodes[i], &l) {
			nodes = append(nodes, c.nodes[i])
			continue
		}
		node := c.nodes[i]
		for uses[node.Out[0]] == 1 {
			next, found := after[node.Out[0]]
			if !found || !c.absorb(&l, &c.nodes[next], node.Out[0]) {
				break
			}
			done[next] = true
			node.Out = c.nodes[next].Out
		}
		node.In = node.In[:1]
		node.Op = &dense{weights: kernel.Pack(l.matrix, l.in, l.out, l.transposed, l.bias), act: l.act, rank: l.rank}
		nodes = append(nodes, node)
	}
	return nodes
}

// packing bounds how much memory the weights may take that are laid out anew: those that several nodes share are there
// several times then. All together, they may be as much as the constants are.
type packing struct {
	left int
	uses map[graph.Value]int
}

func (p *packing) allows(node *graph.Node, l *layer) bool {
	if p.uses[node.In[1]] == 1 {
		return true
	}
	p.left -= 4 * len(l.matrix)
	return p.left >= 0
}

// layer is the beginning of a dense layer, where a node is one. A node with one use follows after it in the list, so that
// the layer can take the first one's place.
func (c *compiler) layer(node *graph.Node, known shapes) (l layer, ok bool) {
	if len(node.In) < 2 || len(node.Out) != 1 || node.In[0] == graph.None {
		return l, false
	}
	w := c.constants[node.In[1]]
	if w == nil || c.constants[node.In[0]] != nil || w.DType() != tensor.Float32 || w.Rank() != 2 {
		return l, false
	}
	l = layer{matrix: tensor.Data[float32](w), in: w.Shape()[0], out: w.Shape()[1]}
	switch o := node.Op.(type) {
	case op.MatMul:
		l.rank = len(known[node.In[0]])
		return l, len(node.In) == 2
	case op.Gemm:
		return c.gemm(l, o, node)
	}
	return l, false
}

// gemm adds what Gemm has beside the product.
func (c *compiler) gemm(l layer, o op.Gemm, node *graph.Node) (fused layer, ok bool) {
	if o.TransA || o.Alpha != 1 {
		return l, false
	}
	l.rank = 2
	if o.TransB {
		l.in, l.out, l.transposed = l.out, l.in, true
	}
	if len(node.In) < 3 || node.In[2] == graph.None || o.Beta == 0 {
		return l, true
	}
	bias, ok := columns(c.constants[node.In[2]], l.out, 2)
	if !ok || o.Beta != 1 {
		return l, false
	}
	l.bias = bias
	return l, true
}

// columns is a constant that has a number for each of n columns, or one for all, and not more dimensions than that which it
// is combined with.
func columns(t *tensor.Tensor, n, rank int) (values []float32, ok bool) {
	if t == nil || t.DType() != tensor.Float32 || t.Rank() > max(1, rank) {
		return nil, false
	}
	data := tensor.Data[float32](t)
	if len(data) == 1 {
		values = make([]float32, n)
		for i := range values {
			values[i] = data[0]
		}
		return values, true
	}
	return data, len(data) == n && t.Shape()[t.Rank()-1] == n
}

// absorb makes the layer do what a node does to its output, if that can be.
func (c *compiler) absorb(l *layer, node *graph.Node, product graph.Value) bool {
	if l.act != kernel.Identity || len(node.Out) != 1 || len(node.In) == 0 {
		return false
	}
	switch o := node.Op.(type) {
	case op.Relu:
		l.act = kernel.Relu
	case op.Sigmoid:
		l.act = kernel.Sigmoid
	case op.Tanh:
		l.act = kernel.Tanh
	case op.Add:
		other := node.In[0]
		if other == product {
			other = second(node)
		}
		return l.add(c.constants[other], 1)
	case op.Sub:
		return l.add(c.constants[second(node)], -1)
	case op.Mul:
		other := node.In[0]
		if other == product {
			other = second(node)
		}
		by, ok := columns(c.constants[other], l.out, l.rank)
		return ok && l.multiply(by)
	case op.BatchNormalization:
		return c.normalize(l, o, node)
	default:
		return false
	}
	return true
}

// add adds a bias, times a factor of 1 or −1.
func (l *layer) add(t *tensor.Tensor, factor float32) bool {
	bias, ok := columns(t, l.out, l.rank)
	if !ok {
		return false
	}
	sum := make([]float32, l.out)
	copy(sum, l.bias)
	for j := range sum {
		sum[j] += factor * bias[j]
	}
	l.bias = sum
	return true
}

// multiply scales the outputs.
func (l *layer) multiply(by []float32) bool {
	factors, bias := make([]float64, l.out), make([]float64, l.out)
	for j := range factors {
		factors[j] = float64(by[j])
		if l.bias != nil {
			bias[j] = float64(l.bias[j]) * factors[j]
		}
	}
	return l.scale(factors, bias)
}

// normalize does what BatchNormalization does, where all that it needs is constant.
func (c *compiler) normalize(l *layer, o op.BatchNormalization, node *graph.Node) bool {
	if l.rank != 2 || len(node.In) != 5 {
		return false
	}
	var p [4][]float32
	for k := range p {
		t := c.constants[node.In[k+1]]
		if t == nil || t.DType() != tensor.Float32 || t.Rank() != 1 || t.Len() != l.out {
			return false
		}
		p[k] = tensor.Data[float32](t)
	}
	scale, offset, mean, variance := p[0], p[1], p[2], p[3]
	factors, bias := make([]float64, l.out), make([]float64, l.out)
	for j := range factors {
		factors[j] = float64(scale[j]) / math.Sqrt(float64(variance[j])+float64(o.Epsilon))
		if l.bias != nil {
			bias[j] = float64(l.bias[j])
		}
		bias[j] = (bias[j]-float64(mean[j]))*factors[j] + float64(offset[j])
	}
	return l.scale(factors, bias)
}

// scale multiplies each column by a factor, and sets the bias. Where one of the numbers is beyond the ordinary, it leaves
// things as they are, as the order of operations then matters.
func (l *layer) scale(factors, bias []float64) bool {
	const most = 1e6
	for j := range factors {
		if !(math.Abs(factors[j]) <= most) || !(math.Abs(bias[j]) <= most) {
			return false
		}
	}
	scaled := make([]float32, len(l.matrix))
	for i := range scaled {
		column := i % l.out
		if l.transposed {
			column = i / l.in
		}
		scaled[i] = float32(float64(l.matrix[i]) * factors[column])
	}
	l.matrix = scaled
	l.bias = make([]float32, l.out)
	for j := range bias {
		l.bias[j] = float32(bias[j])
	}
	return true
}
