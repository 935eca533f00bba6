package savedmodel

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func byName(a, b tensorInfo) int { return cmp.Compare(a.name, b.name) }

// giveInputs makes the signature's inputs the graph's.
func (l *lowering) giveInputs(s *scope, sig *signature) error {
	infos := slices.SortedFunc(slices.Values(sig.inputs), byName)
	for _, info := range infos {
		if info.composite || info.tensor == "" {
			return fault(Unsupported, "the input %.100q is no plain tensor, but a sparse one or a structure", info.name)
		}
		dtype, ok := tftype.Of(info.dtype)
		if !ok || !tftype.Exact(info.dtype) {
			return fault(Unsupported, "the input %.100q is of the type %s", info.name, tftype.Name(info.dtype))
		}
		otherwise, err := l.defaultOf(s, info)
		if err != nil {
			return err
		}
		shape := info.shape
		switch {
		case info.unknown:
			shape = []int{graph.Any}
		case len(shape) == 0 && otherwise != nil:
			continue // one value for all of a batch, such as a temperature: it keeps its default
		case len(shape) == 0:
			return fault(Unsupported, "the input %.100q is one value for a whole batch, and has no default", info.name)
		case len(shape) > tensor.MaxRank:
			return fault(Malformed, "the input %.100q has %d dimensions", info.name, len(shape))
		}
		input := graph.Input{Name: info.name, DType: dtype, Shape: shape, Default: single(otherwise, shape)}
		input.Value = l.b.Input(input)
		l.inputs = append(l.inputs, input)
		s.feed(info.tensor, tensorValue(input.Value))
	}
	return nil
}

// defaultOf is what an input is where it is not given, or nil.
func (l *lowering) defaultOf(s *scope, info tensorInfo) (*tensor.Tensor, error) {
	n := s.nodes[nodeOf(info.tensor)]
	if n == nil || n.op != "PlaceholderWithDefault" || len(n.inputs) != 1 {
		return nil, nil //nolint:nilnil // no default
	}
	if err := s.follow(n.inputs[0]); err != nil {
		return nil, err
	}
	v, err := s.value(n.inputs[0])
	if err != nil {
		return nil, err
	}
	return l.constant("the default of an input", v)
}

// single is a default for one example: one that was made for a batch of one, or one value where examples have one each.
func single(t *tensor.Tensor, shape []int) *tensor.Tensor {
	if t == nil || t.Rank() > 0 && t.Shape()[0] != 1 || t.Rank() == 0 && len(shape) != 1 {
		return nil
	}
	one := &tensor.Tensor{}
	one.View(t, t.Shape()[min(1, t.Rank()):]...)
	return one
}

// takeOutputs makes the signature's outputs the graph's.
func (l *lowering) takeOutputs(s *scope, sig *signature) error {
	infos := slices.SortedFunc(slices.Values(sig.outputs), byName)
	var refs []string
	for _, info := range infos {
		if info.composite || info.tensor == "" {
			return fault(Unsupported, "the output %.100q is no plain tensor, but a sparse one or a structure", info.name)
		}
		refs = append(refs, info.tensor)
	}
	if err := s.follow(refs...); err != nil {
		return err
	}
	outputs := make([]graph.Output, len(infos))
	for i, ref := range refs {
		v, err := s.value(ref)
		if err != nil {
			return err
		}
		outputs[i].Name = infos[i].name
		if outputs[i].Value, err = l.tensor(v); err != nil {
			return at(nodeOf(ref), err)
		}
	}
	l.judge(sig.method, infos, outputs)
	for _, o := range outputs {
		l.b.Output(o)
	}
	return nil
}

// The methods of signatures.
const (
	classify = "tensorflow/serving/classify"
	regress  = "tensorflow/serving/regress"
)

// judge says which output is the probability of a click: by the names that estimators give, by names that say so, and else by
// what computes it.
func (l *lowering) judge(method string, infos []tensorInfo, outputs []graph.Output) {
	best, rank := -1, 0
	for i, info := range infos {
		outputs[i].Role = graph.Other
		if info.dtype != tftype.Float && info.dtype != tftype.Double {
			continue
		}
		if r := l.likely(info.name, outputs[i].Value); r > rank {
			best, rank = i, r
		}
		if len(outputs) == 1 {
			outputs[i].Role = graph.Unknown
		}
	}
	if best < 0 {
		for i, info := range infos {
			if info.dtype == tftype.Float || info.dtype == tftype.Double {
				outputs[i].Role = graph.Unknown
			}
			if outputs[i].Role == graph.Unknown && (method == regress || info.name == "predictions") {
				outputs[i].Role = graph.Regression
			}
		}
		return
	}
	outputs[best].Role = graph.Probability
	outputs[best].Labels = l.labels(method, infos, outputs)
	if infos[best].name == "logistic" {
		outputs[best].Labels = nil // one number: that of the second class
	}
}

// likely is how likely an output is the probability of a click, from its name and from what computes it; 0 is not at all.
func (l *lowering) likely(name string, v graph.Value) int {
	name = strings.ToLower(name)
	squashed := l.squashed(v)
	switch {
	case name == "logistic":
		return 6
	case strings.Contains(name, "logit"):
		return 0
	case squashed && (strings.Contains(name, "ctr") || strings.Contains(name, "click")):
		return 5
	case name == "probabilities", name == "probability", name == "scores" && squashed:
		return 4
	case strings.Contains(name, "ctr"), strings.Contains(name, "prob"):
		return 3
	case squashed:
		return 2
	default:
		return 0
	}
}

// squashed says whether a value is computed by a sigmoid or a softmax, and perhaps moved or cut afterwards.
func (l *lowering) squashed(v graph.Value) bool {
	for m := l.made[v]; m != nil && len(m.in) > 0; m = l.made[m.in[0]] {
		switch m.op.(type) {
		case op.Sigmoid, op.Softmax:
			return true
		case op.Reshape, op.Squeeze, op.Unsqueeze, op.StridedSlice, op.Identity, op.Clip:
		default:
			return false
		}
	}
	return false
}

// classes are what a value repeats for each example, or nil.
func (l *lowering) classes(v graph.Value) *tensor.Tensor {
	for m := l.made[v]; m != nil && len(m.in) > 0; m = l.made[v] {
		switch m.op.(type) {
		case op.Tile, op.Expand, op.Unsqueeze, op.Reshape:
			v = m.in[0]
			continue
		}
		break
	}
	t, err := l.known(v)
	if err != nil {
		return nil
	}
	return t
}

// labels are the names of the classes, where an output beside has them for every example.
func (l *lowering) labels(method string, infos []tensorInfo, outputs []graph.Output) []string {
	for i, info := range infos {
		if info.dtype != tftype.String || info.name != "all_classes" && (method != classify || info.name != "classes") {
			continue
		}
		if t := l.classes(outputs[i].Value); t != nil && t.DType() == tensor.String {
			return slices.Clone(tensor.Data[string](t))
		}
	}
	return nil
}
