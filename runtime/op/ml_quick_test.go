package op

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The walk without branches ends at the leaves that comparing numbers ends at, whatever the numbers are.
func TestQuickForest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{
		0, float32(math.Copysign(0, -1)), 1, -1, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.MaxFloat32,
		-math.MaxFloat32, inf, -inf, nan, math.Float32frombits(0xffc00001), 0.5, math.Nextafter32(1, 2), math.Nextafter32(1, 0),
	}
	quickened := 0
	for range 200 {
		const columns = 3
		nodes, roots := randomForest(random, special, columns)
		f, err := NewForest(nodes, roots, 1)
		if err != nil {
			t.Fatal(err)
		}
		q := quicken(f)
		if q == nil {
			continue
		}
		quickened++
		for _, rows := range []int{1, 3, 8, 41} {
			x := make([]float32, rows*columns)
			for i := range x {
				x[i] = special[random.IntN(len(special))]
			}
			width := max(f.features, 1)
			keys := make([]int32, rows*width)
			orders(keys, x, columns, f.features)
			tree := make([]int, rows)
			q.leaves(keys, width, rows, func(row int, leaf uint32) {
				root := f.roots[tree[row]]
				tree[row]++
				if want := f.leaf(root, x[row*columns:(row+1)*columns]); int32(leaf) != want {
					t.Fatalf("row %v comes to the leaf %d, expected %d", x[row*columns:(row+1)*columns], leaf, want)
				}
			})
			for row, n := range tree {
				if n != len(roots) {
					t.Fatalf("row %d was in %d trees of %d", row, n, len(roots))
				}
			}
		}
	}
	if quickened < 50 {
		t.Errorf("only %d forests are walked without branches", quickened)
	}
}

// randomForest has trees of different depths, some of one leaf.
func randomForest(random *rand.Rand, values []float32, columns int) (nodes []TreeNode[float32], roots []int) {
	modes := []TreeMode{TreeLessOrEqual, TreeLess, TreeGreaterOrEqual, TreeGreater, TreeEqual}
	kinds := 1 + random.IntN(len(modes))
	var grow func(depth int) int
	grow = func(depth int) int {
		at := len(nodes)
		nodes = append(nodes, TreeNode[float32]{Leaf: []TreeScore[float32]{{Value: 1}}})
		if depth == 0 || random.IntN(5) == 0 {
			return at
		}
		node := TreeNode[float32]{
			Mode: modes[random.IntN(kinds)], Feature: random.IntN(columns), Value: values[random.IntN(len(values))],
			MissingTrue: random.IntN(2) == 0,
		}
		node.True, node.False = grow(depth-1), grow(depth-1)
		nodes[at] = node
		return at
	}
	for range 1 + random.IntN(20) {
		roots = append(roots, grow(random.IntN(6)))
	}
	return nodes, roots
}
