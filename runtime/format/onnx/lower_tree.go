package onnx

import (
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// treeKey names a node of a forest.
type treeKey struct{ tree, node int64 }

// treeLists are the attributes that describe a forest up to version 4: parallel lists, of nodes and of what leaves add.
type treeLists[T float32 | float64] struct {
	values, weights []T
}

func treeEnsembleClassifier(c *call) error {
	labels, names, err := c.classLabels("classlabels_strings", "classlabels_int64s")
	if err != nil {
		return err
	}
	o, err := c.forest("class_", labels.Len())
	if err != nil {
		return err
	}
	o.Labels = labels
	if err := c.arity(1, 1); err != nil {
		return err
	}
	return c.classifier(o, names, c.in...)
}

func treeEnsembleRegressor(c *call) error {
	o, err := c.forest("target_", c.int("n_targets", 1))
	if err != nil {
		return err
	}
	aggregate, err := op.AggregateOf(c.string("aggregate_function", "SUM"))
	if err != nil {
		return err
	}
	o.Aggregate = aggregate
	return c.plain(o, 1, 1)
}

// forest reads the lists in the type in which their values are.
func (c *call) forest(prefix string, targets int) (*op.TreeEnsemble, error) {
	c.ignore("nodes_hitrates", "nodes_hitrates_as_tensor")
	post, err := c.postTransform()
	if err != nil {
		return nil, err
	}
	o := &op.TreeEnsemble{Post: post}
	for _, v := range c.floats("base_values") {
		o.Base = append(o.Base, float64(v))
	}
	base, err := c.doubles("base_values_as_tensor")
	if err != nil {
		return nil, err
	}
	o.Base = append(o.Base, base...)
	if !c.has("nodes_values_as_tensor") && !c.has(prefix+"weights_as_tensor") {
		f, err := growLists(c, prefix, targets, treeLists[float32]{c.floats("nodes_values"), c.floats(prefix + "weights")})
		if err != nil {
			return nil, err
		}
		o.Grow32(f)
		return o, nil
	}
	var lists treeLists[float64]
	if lists.values, err = c.doubles("nodes_values_as_tensor"); err != nil {
		return nil, err
	}
	if lists.weights, err = c.doubles(prefix + "weights_as_tensor"); err != nil {
		return nil, err
	}
	f, err := growLists(c, prefix, targets, lists)
	if err != nil {
		return nil, err
	}
	o.Grow64(f)
	return o, nil
}

// doubles are the elements of a tensor attribute of double or float, nil where there is none.
func (c *call) doubles(name string) ([]float64, error) {
	t, err := c.tensor(name)
	if err != nil || t == nil {
		return nil, err
	}
	switch t.DType() {
	case tensor.Float64:
		return tensor.Data[float64](t), nil
	case tensor.Float32:
		return mapped(tensor.Data[float32](t), func(v float32) float64 { return float64(v) }), nil
	default:
		return nil, fault(Malformed, "its attribute %s is of %v", quoted(name), t.DType())
	}
}

// growLists puts the lists together, which must be of one length each.
func growLists[T float32 | float64](c *call, prefix string, targets int, lists treeLists[T]) (*op.Forest[T], error) {
	nodes, roots, places, err := treeNodes(c, lists.values)
	if err != nil {
		return nil, err
	}
	trees, ids, classes := c.ints(prefix+"treeids"), c.ints(prefix+"nodeids"), c.ints(prefix+"ids")
	if len(ids) != len(trees) || len(classes) != len(trees) || len(lists.weights) != len(trees) {
		return nil, fault(Malformed, "%d weights of leaves, for %d trees, %d nodes, %d ids",
			len(lists.weights), len(trees), len(ids), len(classes))
	}
	for i, weight := range lists.weights {
		place, known := places[treeKey{trees[i], ids[i]}]
		if !known {
			return nil, fault(Malformed, "a weight of the node %d of the tree %d, which there is not", ids[i], trees[i])
		}
		if classes[i] < 0 || classes[i] >= int64(targets) {
			return nil, fault(Malformed, "a weight for the target %d, of %d", classes[i], targets)
		}
		nodes[place].Leaf = append(nodes[place].Leaf, op.TreeScore[T]{Target: int(classes[i]), Value: weight})
	}
	return op.NewForest(nodes, roots, targets)
}

// treeNodes are the nodes, the places of each tree's first one, and where each is.
func treeNodes[T float32 | float64](c *call, values []T) (
	nodes []op.TreeNode[T], roots []int, places map[treeKey]int, err error,
) {
	trees, ids, modes := c.ints("nodes_treeids"), c.ints("nodes_nodeids"), c.strings("nodes_modes")
	features, ifTrue, ifFalse := c.ints("nodes_featureids"), c.ints("nodes_truenodeids"), c.ints("nodes_falsenodeids")
	missing := c.ints("nodes_missing_value_tracks_true")
	n := len(trees)
	for _, length := range []int{len(ids), len(modes), len(features), len(ifTrue), len(ifFalse), len(values)} {
		if length != n {
			return nil, nil, nil, fault(Malformed, "its lists of nodes are of %d and %d elements", n, length)
		}
	}
	if len(missing) != 0 && len(missing) != n {
		return nil, nil, nil, fault(Malformed, "its lists of nodes are of %d and %d elements", n, len(missing))
	}
	places = make(map[treeKey]int, n)
	begun := map[int64]bool{}
	for i := range n {
		key := treeKey{trees[i], ids[i]}
		if _, known := places[key]; known {
			return nil, nil, nil, fault(Malformed, "two nodes %d of the tree %d", ids[i], trees[i])
		}
		places[key] = i
		if !begun[trees[i]] {
			begun[trees[i]] = true
			roots = append(roots, i)
		}
	}
	nodes = make([]op.TreeNode[T], n)
	for i := range nodes {
		mode, err := op.TreeModeOf(modes[i])
		if err != nil {
			return nil, nil, nil, err
		}
		nodes[i] = op.TreeNode[T]{Mode: mode, Feature: int(features[i]), Value: values[i]}
		nodes[i].MissingTrue = len(missing) > 0 && missing[i] == 1
		if mode == op.TreeLeaf {
			continue
		}
		yes, knownYes := places[treeKey{trees[i], ifTrue[i]}]
		no, knownNo := places[treeKey{trees[i], ifFalse[i]}]
		if !knownYes || !knownNo {
			return nil, nil, nil, fault(Malformed, "the node %d of the tree %d is followed by %d and %d, which are not both there",
				ids[i], trees[i], ifTrue[i], ifFalse[i])
		}
		nodes[i].True, nodes[i].False = yes, no
	}
	return nodes, roots, places, nil
}

// treeEnsemble is version 5's, whose nodes and leaves are numbered apart.
func treeEnsemble(c *call) error {
	c.ignore("nodes_hitrates")
	o := &op.TreeEnsemble{Wide: true}
	aggregates := []op.Aggregate{op.AggregateAverage, op.AggregateSum, op.AggregateMin, op.AggregateMax}
	posts := map[int]op.PostTransform{0: op.PostNone, 3: op.PostSoftmaxZero, 4: op.PostProbit}
	aggregate := c.int("aggregate_function", 1)
	post, known := posts[c.int("post_transform", 0)]
	if aggregate < 0 || aggregate >= len(aggregates) {
		return fault(Malformed, "there is no aggregate_function %d", aggregate)
	}
	if !known {
		return fault(Unsupported, "its post_transform is %d, of which ONNX says something else than ONNX Runtime does; "+
			"leave it out, and add a Sigmoid or Softmax", c.int("post_transform", 0))
	}
	o.Aggregate, o.Post = aggregates[aggregate], post
	splits, err := c.tensor("nodes_splits")
	if err != nil {
		return err
	}
	if splits != nil && splits.DType() == tensor.Float32 {
		f, err := growNumbered(c, func(t *tensor.Tensor) ([]float32, error) {
			if t.DType() != tensor.Float32 {
				return nil, fault(Malformed, "its values are of float32 and of %v", t.DType())
			}
			return tensor.Data[float32](t), nil
		})
		if err != nil {
			return err
		}
		o.Grow32(f)
		return c.plain(o, 1, 1)
	}
	f, err := growNumbered(c, func(t *tensor.Tensor) ([]float64, error) {
		if t.DType() != tensor.Float64 {
			return nil, fault(Unsupported, "its values are of %v", t.DType())
		}
		return tensor.Data[float64](t), nil
	})
	if err != nil {
		return err
	}
	o.Grow64(f)
	return c.plain(o, 1, 1)
}

// numbered are the attributes of a TreeEnsemble.
type numbered[T float32 | float64] struct {
	splits, weights, members     []T
	features, ifTrue, ifFalse    []int64
	leafTrue, leafFalse, missing []int64
	targets, modes               []int64
	nodes                        []op.TreeNode[T]
}

func growNumbered[T float32 | float64](c *call, data func(*tensor.Tensor) ([]T, error)) (*op.Forest[T], error) {
	n := numbered[T]{
		features: c.ints("nodes_featureids"), ifTrue: c.ints("nodes_truenodeids"), ifFalse: c.ints("nodes_falsenodeids"),
		leafTrue: c.ints("nodes_trueleafs"), leafFalse: c.ints("nodes_falseleafs"),
		missing: c.ints("nodes_missing_value_tracks_true"), targets: c.ints("leaf_targetids"),
	}
	for _, part := range []struct {
		name string
		into *[]T
	}{{"nodes_splits", &n.splits}, {"leaf_weights", &n.weights}, {"membership_values", &n.members}} {
		t, err := c.tensor(part.name)
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		if *part.into, err = data(t); err != nil {
			return nil, err
		}
	}
	if err := n.readModes(c); err != nil {
		return nil, err
	}
	if err := n.connect(); err != nil {
		return nil, err
	}
	var roots []int
	for _, root := range c.ints("tree_roots") {
		if root < 0 || root >= int64(len(n.features)) {
			return nil, fault(Malformed, "a tree begins at the node %d, of %d", root, len(n.features))
		}
		// A tree of one leaf is a node both of whose branches lead to it.
		if at := int(root); n.leafTrue[at] != 0 && n.leafFalse[at] != 0 && n.ifTrue[at] == n.ifFalse[at] {
			roots = append(roots, n.nodes[at].True)
			continue
		}
		roots = append(roots, int(root))
	}
	return op.NewForest(n.nodes, roots, c.int("n_targets", 1))
}

// readModes reads the tensor of modes, whose numbers are not those of the operator before it.
func (n *numbered[T]) readModes(c *call) error {
	modes, err := c.tensor("nodes_modes")
	if err != nil {
		return err
	}
	if modes == nil || modes.DType() != tensor.Int32 {
		return fault(Malformed, "it has no nodes_modes of uint8")
	}
	n.modes = mapped(tensor.Data[int32](modes), func(v int32) int64 { return int64(v) })
	for _, length := range []int{len(n.modes), len(n.splits), len(n.ifTrue), len(n.ifFalse), len(n.leafTrue), len(n.leafFalse)} {
		if length != len(n.features) {
			return fault(Malformed, "its lists of nodes are of %d and %d elements", len(n.features), length)
		}
	}
	if len(n.missing) != 0 && len(n.missing) != len(n.features) || len(n.targets) != len(n.weights) {
		return fault(Malformed, "its lists are not of one length")
	}
	return nil
}

// connect makes nodes, and after them one for each leaf that is reached.
func (n *numbered[T]) connect() error {
	modes := []op.TreeMode{
		op.TreeLessOrEqual, op.TreeLess, op.TreeGreaterOrEqual, op.TreeGreater, op.TreeEqual, op.TreeNotEqual, op.TreeMember,
	}
	count := len(n.features)
	n.nodes = make([]op.TreeNode[T], count, count*2+1)
	for i := range count {
		if n.modes[i] < 0 || n.modes[i] >= int64(len(modes)) {
			return fault(Malformed, "there is no mode %d of nodes", n.modes[i])
		}
		node := op.TreeNode[T]{Mode: modes[n.modes[i]], Feature: int(n.features[i]), Value: n.splits[i]}
		node.MissingTrue = len(n.missing) > 0 && n.missing[i] == 1
		if node.Mode == op.TreeMember {
			node.Members = n.set()
		}
		var err error
		if node.True, err = n.follow(n.ifTrue[i], n.leafTrue[i] != 0); err != nil {
			return err
		}
		if node.False, err = n.follow(n.ifFalse[i], n.leafFalse[i] != 0); err != nil {
			return err
		}
		n.nodes[i] = node
	}
	return nil
}

// set takes the next set of members, which ends with what is no number.
func (n *numbered[T]) set() []T {
	for i, v := range n.members {
		if v != v { //nolint:gocritic // NaN is unequal to itself
			set := n.members[:i]
			n.members = n.members[i+1:]
			return set
		}
	}
	set := n.members
	n.members = nil
	return set
}

// follow is the place of a node, or of a new one for a leaf.
func (n *numbered[T]) follow(id int64, leaf bool) (int, error) {
	if !leaf {
		if id < 0 || id >= int64(len(n.features)) {
			return 0, fault(Malformed, "a node is followed by %d, of %d", id, len(n.features))
		}
		return int(id), nil
	}
	if id < 0 || id >= int64(len(n.weights)) {
		return 0, fault(Malformed, "a node is followed by the leaf %d, of %d", id, len(n.weights))
	}
	score := op.TreeScore[T]{Target: int(n.targets[id]), Value: n.weights[id]}
	n.nodes = append(n.nodes, op.TreeNode[T]{Mode: op.TreeLeaf, Leaf: []op.TreeScore[T]{score}})
	return len(n.nodes) - 1, nil
}
