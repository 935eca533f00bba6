package op

import (
	"math"
	"math/bits"
)

// quickForest is a forest of Float32 that is walked without branches: numbers are compared as integers of the same order,
// which choose the next node by an index, and leaves follow themselves, so that several walks go on in step, each to its end.
type quickForest struct {
	nodes []quickNode
	// roots and depths are the trees', the latter the longest way of each.
	roots, depths []int32
}

// quickNode has the most that is true.
type quickNode struct {
	// most is the key of the largest number for which the comparison is true; of a leaf, its number.
	most uint32
	// feature is the column, times two, and one more where what is no number is true: its key, the largest of all, is then
	// made zero by adding one.
	feature uint32
	// next are the nodes that follow where the comparison is true, and where it is not.
	next [2]int32
}

// abreast is how many walks go on in step.
const abreast = 8

// noNumber is the key of NaN.
const noNumber = math.MaxUint32

// orderOf is an integer for a number, of the same order, and never zero. Both zeros are equal.
func orderOf(x float32) uint32 {
	const sign = 1 << 31
	switch b := math.Float32bits(x); {
	case x == 0:
		return sign
	case x != x:
		return noNumber
	case b&sign != 0:
		return ^b
	default:
		return b | sign
	}
}

// quicken returns nil for forests that compare in ways which are not of order.
func quicken(f *Forest[float32]) *quickForest {
	if f.features > math.MaxInt32 {
		return nil
	}
	q := &quickForest{nodes: make([]quickNode, len(f.nodes)+len(f.leaves)-1)}
	place := func(at int32) int32 {
		if at < 0 {
			return int32(len(f.nodes)) + ^at
		}
		return at
	}
	for i := range f.leaves[1:] {
		at := int32(len(f.nodes) + i)
		q.nodes[at] = quickNode{most: uint32(i), next: [2]int32{at, at}}
	}
	for i, node := range f.nodes {
		quick, ok := quickNodeOf(node)
		if !ok {
			return nil
		}
		quick.next[0], quick.next[1] = place(quick.next[0]), place(quick.next[1])
		q.nodes[i] = quick
	}
	for _, root := range f.roots {
		q.roots = append(q.roots, place(root))
	}
	q.measure(len(f.nodes))
	return q
}

// quickNodeOf turns a comparison into one for "at most".
func quickNodeOf(node treeNode[float32]) (quickNode, bool) {
	mode := TreeMode(node.feature & treeModeMask)
	key := orderOf(node.value)
	q := quickNode{feature: node.feature >> treeShift << 1, most: key, next: [2]int32{node.isTrue, node.isFalse}}
	missing := node.feature&treeMissing != 0
	switch {
	case key == noNumber && mode <= TreeLess:
		q.most = 0
	case key == noNumber:
		return q, false
	case mode == TreeLess || mode == TreeGreaterOrEqual:
		q.most--
	}
	switch mode {
	case TreeLessOrEqual, TreeLess:
	case TreeGreaterOrEqual, TreeGreater:
		// What is not greater goes where it goes else; so does what is no number, unless it is to be true.
		q.next[0], q.next[1] = q.next[1], q.next[0]
		missing = !missing
	default:
		return q, false
	}
	if missing {
		q.most++
		q.feature++
	}
	return q, true
}

// measure finds how deep each tree is. Nodes come after the one that they follow, inner ones first.
func (q *quickForest) measure(inner int) {
	below := make([]int32, len(q.nodes))
	for i := inner - 1; i >= 0; i-- {
		next := q.nodes[i].next
		below[i] = 1 + max(below[next[0]], below[next[1]])
	}
	for _, root := range q.roots {
		q.depths = append(q.depths, below[root])
	}
}

// orders turns rows into their keys, of the first columns.
func orders(keys []int32, x []float32, columns, width int) {
	if width == 0 {
		return
	}
	for i := 0; i*columns < len(x); i++ {
		row := x[i*columns : i*columns+width]
		out := keys[i*width : (i+1)*width]
		for k, v := range row {
			out[k] = int32(orderOf(v))
		}
	}
}

// walk takes all walks one step after the other, so many times. base is where each one's row begins in the keys.
func (q *quickForest) walk(at, base *[abreast]int32, keys []int32, depth int32) {
	nodes := q.nodes
	for range depth {
		for j := range at {
			node := &nodes[at[j]]
			key := uint32(keys[base[j]+int32(node.feature>>1)]) + node.feature&1
			_, more := bits.Sub64(uint64(node.most), uint64(key), 0)
			at[j] = node.next[more&1]
		}
	}
}

// leaves calls visit with the leaf of each row in each tree, the trees of a row in order.
func (q *quickForest) leaves(keys []int32, width, rows int, visit func(row int, leaf uint32)) {
	var at, base [abreast]int32
	if rows < abreast {
		for i := range rows {
			for j := range base {
				base[j] = int32(i * width)
			}
			for t := 0; t < len(q.roots); t += abreast {
				n, depth := copy(at[:], q.roots[t:]), int32(0)
				for _, d := range q.depths[t : t+n] {
					depth = max(depth, d)
				}
				q.walk(&at, &base, keys, depth)
				for _, leaf := range at[:n] {
					visit(i, q.nodes[leaf].most)
				}
			}
		}
		return
	}
	for begin := 0; begin < rows; begin += treeBlockRows {
		end := min(begin+treeBlockRows, rows)
		for t, root := range q.roots {
			for i := begin; i < end; i += abreast {
				n := min(abreast, end-i)
				for j := range at {
					at[j], base[j] = root, int32((i+min(j, n-1))*width)
				}
				q.walk(&at, &base, keys, q.depths[t])
				for j, leaf := range at[:n] {
					visit(i+j, q.nodes[leaf].most)
				}
			}
		}
	}
}
