package op

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// TreeMode is how a node of a tree compares a feature with its value.
type TreeMode uint8

// The modes. TreeMember is of ai.onnx.ml 5: whether the feature is one of a set.
const (
	TreeLeaf TreeMode = iota
	TreeLessOrEqual
	TreeLess
	TreeGreaterOrEqual
	TreeGreater
	TreeEqual
	TreeNotEqual
	TreeMember
)

// TreeModeOf is the mode that ONNX calls by that name.
func TreeModeOf(name string) (TreeMode, error) {
	names := []string{"LEAF", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"}
	for i, known := range names {
		if name == known {
			return TreeMode(i), nil
		}
	}
	return 0, fmt.Errorf("there is no mode %.40q of nodes", name)
}

// Aggregate is how the trees' scores become one.
type Aggregate uint8

// The aggregates.
const (
	AggregateSum Aggregate = iota
	AggregateAverage
	AggregateMin
	AggregateMax
)

// AggregateOf is the function that ONNX calls by that name.
func AggregateOf(name string) (Aggregate, error) {
	for i, known := range []string{"SUM", "AVERAGE", "MIN", "MAX"} {
		if name == known {
			return Aggregate(i), nil
		}
	}
	return 0, fmt.Errorf("there is no aggregate_function %.40q", name)
}

// TreeNode is a node of a forest, as it is described.
type TreeNode[T float] struct {
	Mode    TreeMode
	Feature int
	Value   T
	// MissingTrue says that what is no number goes where the comparison is true.
	MissingTrue bool
	// True and False are the nodes that follow, by their place in the list of all nodes.
	True, False int
	// Members are the set of a TreeMember.
	Members []T
	// Leaf are what a leaf adds.
	Leaf []TreeScore[T]
}

// TreeScore is what a leaf adds to a target's score, or a class's.
type TreeScore[T float] struct {
	Target int
	Value  T
}

// treeNode is a node in memory: 16 bytes of Float32, in the order of a walk that takes true first.
type treeNode[T float] struct {
	value T
	// feature has the mode in its lowest bits, and above them whether what is missing is true.
	feature uint32
	// isTrue and isFalse are nodes, or, as their complement, leaves.
	isTrue, isFalse int32
}

const (
	treeModeBits  = 3
	treeModeMask  = 1<<treeModeBits - 1
	treeMissing   = 1 << treeModeBits
	treeShift     = treeModeBits + 1
	mostFeatures  = 1 << (32 - treeShift)
	treeBlockRows = 32
)

// Forest is a list of trees, made ready to be walked.
type Forest[T float] struct {
	nodes []treeNode[T]
	// roots are the trees, like treeNode.isTrue.
	roots []int32
	// leaves are where each leaf's scores begin in scores, and where the last one's end.
	leaves  []int32
	scores  []TreeScore[T]
	members map[int32][]T
	// plain says that all nodes compare by <= or all by <, and that nothing missing is true.
	plain    TreeMode
	features int
	targets  int
	// positive says that no leaf takes anything away; single is the only target of all leaves, or -1.
	positive bool
	single   int
}

// NewForest makes a forest of nodes, of which the roots are given by their places. No node may follow two others, nor itself.
func NewForest[T float](nodes []TreeNode[T], roots []int, targets int) (*Forest[T], error) {
	f := &Forest[T]{leaves: []int32{0}, members: map[int32][]T{}, targets: targets, positive: true, single: -2}
	if len(nodes) > math.MaxInt32/2 || targets < 1 {
		return nil, fmt.Errorf("%d nodes for %d targets", len(nodes), targets)
	}
	seen := make([]bool, len(nodes))
	for _, root := range roots {
		place, err := f.grow(nodes, root, seen)
		if err != nil {
			return nil, err
		}
		f.roots = append(f.roots, place)
	}
	f.choosePlain()
	return f, nil
}

// treeEdge is a branch that is still to be followed: to a node, from another's place.
type treeEdge struct {
	node   int
	from   int32
	isTrue bool
}

// grow adds a tree, and returns its root.
func (f *Forest[T]) grow(nodes []TreeNode[T], root int, seen []bool) (int32, error) {
	var first int32
	for todo := []treeEdge{{node: root, from: -1}}; len(todo) > 0; {
		edge := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if edge.node < 0 || edge.node >= len(nodes) {
			return 0, fmt.Errorf("a tree goes on at a node %d, of %d", edge.node, len(nodes))
		}
		if seen[edge.node] {
			return 0, fmt.Errorf("two ways lead to the node %d of a tree", edge.node)
		}
		seen[edge.node] = true
		place, err := f.place(&nodes[edge.node])
		if err != nil {
			return 0, err
		}
		switch {
		case edge.from < 0:
			first = place
		case edge.isTrue:
			f.nodes[edge.from].isTrue = place
		default:
			f.nodes[edge.from].isFalse = place
		}
		if node := nodes[edge.node]; node.Mode != TreeLeaf {
			todo = append(todo, treeEdge{node.False, place, false}, treeEdge{node.True, place, true})
		}
	}
	return first, nil
}

// place stores a node or a leaf.
func (f *Forest[T]) place(node *TreeNode[T]) (int32, error) {
	if node.Mode == TreeLeaf {
		for _, score := range node.Leaf {
			if score.Target < 0 || score.Target >= f.targets {
				return 0, fmt.Errorf("a leaf for the target %d, of %d", score.Target, f.targets)
			}
			f.positive = f.positive && !(score.Value < 0)
			if f.single == -2 {
				f.single = score.Target
			} else if f.single != score.Target {
				f.single = -1
			}
		}
		f.scores = append(f.scores, node.Leaf...)
		if len(f.scores) > math.MaxInt32 {
			return 0, fmt.Errorf("%d scores of leaves", len(f.scores))
		}
		f.leaves = append(f.leaves, int32(len(f.scores)))
		return ^int32(len(f.leaves) - 2), nil
	}
	if node.Feature < 0 || node.Feature >= mostFeatures {
		return 0, fmt.Errorf("a node looks at the feature %d", node.Feature)
	}
	f.features = max(f.features, node.Feature+1)
	feature := uint32(node.Feature)<<treeShift | uint32(node.Mode)
	if node.MissingTrue {
		feature |= treeMissing
	}
	place := int32(len(f.nodes))
	if node.Mode == TreeMember {
		f.members[place] = node.Members
	}
	f.nodes = append(f.nodes, treeNode[T]{value: node.Value, feature: feature})
	return place, nil
}

func (f *Forest[T]) choosePlain() {
	for i := range f.nodes {
		mode := TreeMode(f.nodes[i].feature & treeModeMask)
		if f.nodes[i].feature&treeMissing != 0 || (mode != TreeLessOrEqual && mode != TreeLess) || (i > 0 && mode != f.plain) {
			f.plain = TreeLeaf
			return
		}
		f.plain = mode
	}
}

// leaf walks one tree for a row, and returns the leaf.
func (f *Forest[T]) leaf(at int32, row []T) int32 {
	nodes := f.nodes
	switch f.plain {
	case TreeLessOrEqual:
		for at >= 0 {
			node := &nodes[at]
			next := node.isFalse
			if row[node.feature>>treeShift] <= node.value {
				next = node.isTrue
			}
			at = next
		}
	case TreeLess:
		for at >= 0 {
			node := &nodes[at]
			next := node.isFalse
			if row[node.feature>>treeShift] < node.value {
				next = node.isTrue
			}
			at = next
		}
	default:
		for at >= 0 {
			node := &nodes[at]
			x := row[node.feature>>treeShift]
			missing := x != x && node.feature&treeMissing != 0 //nolint:gocritic // NaN is unequal to itself
			if missing || f.holds(at, node, x) {
				at = node.isTrue
			} else {
				at = node.isFalse
			}
		}
	}
	return ^at
}

func (f *Forest[T]) holds(at int32, node *treeNode[T], x T) bool {
	switch TreeMode(node.feature & treeModeMask) {
	case TreeLessOrEqual:
		return x <= node.value
	case TreeLess:
		return x < node.value
	case TreeGreaterOrEqual:
		return x >= node.value
	case TreeGreater:
		return x > node.value
	case TreeEqual:
		return x == node.value
	case TreeNotEqual:
		return x != node.value
	default:
		return slices.Contains(f.members[at], x)
	}
}

// walk adds up, for each row of x, what its leaves have: sums has targets of each row, and scored says which were touched.
func (f *Forest[T]) walk(sums []T, scored []bool, x []T, columns int, how Aggregate) {
	rows := len(sums) / f.targets
	for begin := 0; begin < rows; begin += treeBlockRows {
		end := min(begin+treeBlockRows, rows)
		for _, root := range f.roots {
			for i := begin; i < end; i++ {
				leaf := f.leaf(root, x[i*columns:(i+1)*columns])
				scores := f.scores[f.leaves[leaf]:f.leaves[leaf+1]]
				addScores(sums[i*f.targets:(i+1)*f.targets], scored[i*f.targets:(i+1)*f.targets], scores, how)
			}
		}
	}
}

func addScores[T float](sums []T, scored []bool, scores []TreeScore[T], how Aggregate) {
	for _, score := range scores {
		at := &sums[score.Target]
		switch {
		case how == AggregateSum || how == AggregateAverage:
			*at += score.Value
		case !scored[score.Target] || (how == AggregateMin && score.Value < *at) || (how == AggregateMax && score.Value > *at):
			*at = score.Value
		}
		scored[score.Target] = true
	}
}

// TreeEnsemble is ai.onnx.ml's TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble. It takes rows of numbers;
// Float64 is compared and added up as such, everything else as Float32.
type TreeEnsemble struct {
	// trees32 is nil where the artifact has its values in Float64. trees64 makes the forest in Float64, once.
	trees32   *Forest[float32]
	quick     *quickForest
	trees64   func() *Forest[float64]
	Aggregate Aggregate
	Post      PostTransform
	// Base is added to each target's score, in the type of the forest.
	Base []float64
	// Labels are the classes', as LinearScores has them; nil for a regressor.
	Labels *tensor.Tensor
	// Wide says that the scores are of the input's type, not Float32.
	Wide bool
}

// Grow32 sets the ensemble's trees, of Float32. Rows of Float64 are compared with their values as Float64.
func (o *TreeEnsemble) Grow32(f *Forest[float32]) {
	o.trees32, o.quick = f, quicken(f)
	o.trees64 = sync.OnceValue(func() *Forest[float64] { return widened(f) })
}

// Grow64 sets the ensemble's trees, of Float64.
func (o *TreeEnsemble) Grow64(f *Forest[float64]) { o.trees64 = func() *Forest[float64] { return f } }

// widened is the forest in Float64.
func widened(f *Forest[float32]) *Forest[float64] {
	w := &Forest[float64]{
		nodes: make([]treeNode[float64], len(f.nodes)), scores: make([]TreeScore[float64], len(f.scores)),
		members: map[int32][]float64{}, roots: f.roots, leaves: f.leaves, plain: f.plain,
		features: f.features, targets: f.targets, positive: f.positive, single: f.single,
	}
	for i, node := range f.nodes {
		w.nodes[i] = treeNode[float64]{float64(node.value), node.feature, node.isTrue, node.isFalse}
	}
	for i, score := range f.scores {
		w.scores[i] = TreeScore[float64]{score.Target, float64(score.Value)}
	}
	for at, members := range f.members {
		for _, member := range members {
			w.members[at] = append(w.members[at], float64(member))
		}
	}
	return w
}

// Weights implements graph.Weighted.
func (o *TreeEnsemble) Weights() (count, bytes int64) {
	if o.trees32 != nil {
		return o.trees32.weights()
	}
	return o.trees64().weights()
}

// weights are the values that nodes compare with, and the leaves' scores.
func (f *Forest[T]) weights() (count, bytes int64) {
	var node treeNode[T]
	var score TreeScore[T]
	bytes = int64(len(f.nodes))*int64(unsafe.Sizeof(node)) + int64(len(f.scores))*int64(unsafe.Sizeof(score))
	return int64(len(f.nodes) + len(f.scores)), bytes + 4*int64(len(f.leaves))
}

// Name implements graph.Op.
func (o *TreeEnsemble) Name() string {
	if o.Labels != nil {
		return "TreeEnsembleClassifier"
	}
	return "TreeEnsembleRegressor"
}

// Run implements graph.Op.
func (o *TreeEnsemble) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	rows, columns, err := mlMatrix(x)
	if err != nil {
		return err
	}
	if o.trees32 == nil || x.DType() == tensor.Float64 {
		data, err := mlDoubles(f, x)
		if err != nil {
			return err
		}
		return runForest(o, o.trees64(), f, data, rows, columns, out, tensor.Float64)
	}
	data, err := mlFloats(f, treeInput, x)
	if err != nil {
		return err
	}
	return runForest(o, o.trees32, f, data, rows, columns, out, tensor.Float32)
}

// The scratch tensors of a TreeEnsemble.
const (
	treeInput = iota
	treeSums
	treeScored
	treeKeys
)

func mlDoubles(f *graph.Frame, t *tensor.Tensor) ([]float64, error) {
	if t.DType() == tensor.Float64 {
		return tensor.Data[float64](t), nil
	}
	if t.DType() == tensor.String {
		return nil, typeError("numbers", t)
	}
	s := f.Scratch(treeInput)
	if err := castTo(f, s, t, tensor.Float64); err != nil {
		return nil, err
	}
	return tensor.Data[float64](s), nil
}

func runForest[T float](o *TreeEnsemble, trees *Forest[T], f *graph.Frame, x []T, rows, columns int,
	out []*tensor.Tensor, dtype tensor.DType,
) error {
	if columns < trees.features {
		return fmt.Errorf("takes %d columns, not %d", trees.features, columns)
	}
	sums, scored := f.Scratch(treeSums), f.Scratch(treeScored)
	if err := f.Resize(sums, dtype, rows, trees.targets); err != nil {
		return err
	}
	if err := f.Resize(scored, tensor.Bool, rows, trees.targets); err != nil {
		return err
	}
	s, touched := tensor.Data[T](sums), tensor.Data[bool](scored)
	clear(s)
	clear(touched)
	if quick, ok := any(trees).(*Forest[float32]); ok && o.quick != nil {
		if err := o.runQuick(f, quick, any(x).([]float32), any(s).([]float32), touched, columns); err != nil {
			return err
		}
	} else {
		trees.walk(s, touched, x, columns, o.Aggregate)
	}
	if o.Aggregate == AggregateAverage && len(trees.roots) > 0 {
		for i := range s {
			s[i] /= T(len(trees.roots))
		}
	}
	if o.Labels != nil {
		return classify(o, trees, f, s, touched, rows, out)
	}
	return regress(o, trees, f, s, rows, out[0], dtype)
}

// runQuick is walk, without branches.
func (o *TreeEnsemble) runQuick(f *graph.Frame, trees *Forest[float32], x, sums []float32, scored []bool, columns int) error {
	rows := len(sums) / trees.targets
	keys := f.Scratch(treeKeys)
	if err := f.Resize(keys, tensor.Int32, rows, max(trees.features, 1)); err != nil {
		return err
	}
	if keys.Len() > math.MaxInt32 {
		return fmt.Errorf("%d rows at once are too many", rows)
	}
	data := tensor.Data[int32](keys)
	orders(data, x, columns, trees.features)
	o.quick.leaves(data, max(trees.features, 1), rows, func(row int, leaf uint32) {
		begin, end := row*trees.targets, (row+1)*trees.targets
		addScores(sums[begin:end], scored[begin:end], trees.scores[trees.leaves[leaf]:trees.leaves[leaf+1]], o.Aggregate)
	})
	return nil
}

func regress[T float](o *TreeEnsemble, trees *Forest[T], f *graph.Frame, sums []T, rows int, y *tensor.Tensor,
	dtype tensor.DType,
) error {
	if !o.Wide {
		dtype = tensor.Float32
	}
	if err := f.Resize(y, dtype, rows, trees.targets); err != nil {
		return err
	}
	for i := range sums {
		if base := i % trees.targets; len(o.Base) == trees.targets {
			sums[i] += T(o.Base[base])
		} else if len(o.Base) == 1 && trees.targets == 1 {
			sums[i] += T(o.Base[0])
		}
	}
	if dtype == tensor.Float64 {
		data := tensor.Data[float64](y)
		for i, v := range sums {
			data[i] = float64(v)
		}
		if o.Post != PostNone {
			return fmt.Errorf("a post_transform of scores of %v is not supported", dtype)
		}
		return nil
	}
	data := tensor.Data[float32](y)
	for i, v := range sums {
		data[i] = float32(v)
	}
	for i := 0; i < len(data); i += trees.targets {
		if row := data[i : i+trees.targets]; len(row) == 1 {
			secondNone.expand(row, row[0], o.Post)
		} else {
			o.Post.apply(row)
		}
	}
	return nil
}
