package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// piece is which part of the rows that a run could have go into one: several batches may be under way at a time.
const piece = 4

// warmUp runs the program on zeros, so that shapes which cannot be are found when the model is loaded. It returns how many
// numbers each output has for each row; 0 for those that are of other types.
func (n *network) warmUp(ctx context.Context, file string) ([]int, error) {
	scratch := n.acquire()
	defer n.release(scratch)
	rows := min(2, n.rows)
	if err := n.tryOut(ctx, scratch, rows); err != nil {
		return nil, fromEngine(ctx, file, err)
	}
	n.rows = min(n.rows, max(1, scratch.run.MostRows()/piece))
	counts := make([]int, len(n.program.Outputs()))
	for i := range counts {
		out := scratch.run.Output(i)
		isFloat := out.DType() == tensor.Float32 || out.DType() == tensor.Float64
		if isFloat && out.Len()%rows == 0 && (out.Rank() == 0 && rows == 1 || out.Rank() > 0 && out.Shape()[0] == rows) {
			counts[i] = out.Len() / rows
		}
	}
	return counts, nil
}

// tryOut runs the program on zeros and empty texts, and where it has no answer to those, because it looks into the texts, on
// a few others. It returns the first error.
func (n *network) tryOut(ctx context.Context, scratch *networkScratch, rows int) error {
	var first error
	for _, text := range []string{"", "0", "a b,c"} {
		err := n.fillZeros(scratch, rows, text)
		if err == nil {
			err = scratch.run.DoContext(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// fillZeros sets the inputs to zeros and to a text; sizes that are not known are 1.
func (n *network) fillZeros(scratch *networkScratch, rows int, text string) error {
	if n.examples != nil {
		return n.examples.fill(scratch, n.examples.zeros(rows, n.fields, text), n.fields)
	}
	for i := range n.inputs {
		in := &n.inputs[i]
		scratch.shape = append(scratch.shape[:0], rows)
		for _, size := range in.shape {
			if size == graph.Any {
				size = 1
			}
			scratch.shape = append(scratch.shape, size)
		}
		t := scratch.run.Input(in.tensor)
		t.Resize(in.dtype, scratch.shape...)
		t.Clear()
		if sample := n.program.Inputs()[in.tensor].Sample; sample != nil {
			repeat(t, sample)
			continue
		}
		if in.dtype == tensor.String {
			for k := range tensor.Data[string](t) {
				tensor.Data[string](t)[k] = text
			}
		}
	}
	return nil
}

// repeat makes every element of a tensor the sample's only one, which is of its type.
func repeat(t, sample *tensor.Tensor) {
	switch t.DType() {
	case tensor.String:
		fill(tensor.Data[string](t), tensor.Data[string](sample)[0])
	case tensor.Int64:
		fill(tensor.Data[int64](t), tensor.Data[int64](sample)[0])
	case tensor.Int32:
		fill(tensor.Data[int32](t), tensor.Data[int32](sample)[0])
	}
}

func fill[T tensor.Element](values []T, v T) {
	for i := range values {
		values[i] = v
	}
}

// maxScores bounds what is a score: beyond it, an output is something else.
const maxScores = 10_000

// bindScores finds out which of the outputs' numbers are scores, and which of them is the score. counts has how many each
// output has, made by what they are made.
func (l *loading) bindScores(n *network, counts []int, made map[graph.Value]string, set *features.Set, file string) error {
	outputs := n.program.Outputs()
	want := features.Score{Index: -1}
	if set != nil {
		want = set.Score()
	}
	probabilities, total := false, 0
	for i, output := range outputs {
		probabilities = probabilities || counts[i] > 0 && output.Role == graph.Probability
		total += counts[i]
	}
	if total > maxScores {
		return loadError(contract.ReasonUnsupportedModel, l.name, fmt.Sprintf(
			"predicts %d numbers; that is no click-through rate", total))
	}
	var shown []string
	for i, output := range outputs {
		shown = append(shown, output.Name)
		if counts[i] == 0 || want.Output == "" && (output.Role == graph.Other || probabilities && output.Role != graph.Probability) {
			continue
		}
		n.scores = append(n.scores, nameScores(i, output.Name, counts[i], output.Labels)...)
	}
	if len(n.scores) == 0 {
		return loadError(contract.ReasonUnsupportedModel, l.name, fmt.Sprintf(
			"has no output of floating-point numbers for each example; its outputs are: %s", list(shown)))
	}
	var err error
	if n.score, err = choose(n.scores, want, file); err != nil {
		return err
	}
	l.settleScores(n, outputs, made)
	return nil
}

// settleScores says which score is the model's where nobody has chosen, and names them.
func (l *loading) settleScores(n *network, outputs []graph.Output, made map[graph.Value]string) {
	first := outputs[n.scores[0].output]
	binary := len(n.scores) == 2 && n.scores[1].output == n.scores[0].output &&
		(first.Role == graph.Probability || made[first.Value] == "Softmax")
	switch {
	case n.score >= 0:
	case binary:
		// Of two classes the second is the click.
		n.scores, n.score = n.scores[1:], 0
	case len(n.scores) == 1:
		n.score = 0
	}
	s := &l.model.signature
	s.Bounded = true
	for _, score := range n.scores {
		output := outputs[score.output]
		s.Scores = append(s.Scores, score.name)
		s.Bounded = s.Bounded && (output.Role == graph.Probability || made[output.Value] != "")
	}
	if len(n.scores) == 1 {
		s.Scores[0] = ScoreName
	}
}

// takesMissing says whether a graph has an operator that does something about NaN.
func takesMissing(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(node graph.Node) bool {
		name := node.Op.Name()
		return name == "Imputer" || name == "IsNaN" || strings.HasPrefix(name, "TreeEnsemble")
	})
}

// squashed says of each output that is made by a sigmoid or softmax, by which.
func squashed(g *graph.Graph) map[graph.Value]string {
	makers := map[graph.Value]*graph.Node{}
	for i := range g.Nodes {
		for _, v := range g.Nodes[i].Out {
			makers[v] = &g.Nodes[i]
		}
	}
	made := map[graph.Value]string{}
	for _, output := range g.Outputs {
		for node := makers[output.Value]; node != nil && len(node.In) > 0; node = makers[node.In[0]] {
			name := node.Op.Name()
			if name == "Softmax" || name == "Sigmoid" {
				made[output.Value] = name
			}
			if name != "Identity" && name != "Reshape" && name != "Squeeze" && name != "Cast" {
				break
			}
		}
	}
	return made
}
