package model

import (
	"maps"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Description says what an opened artifact is made of.
type Description struct {
	// Format is one of Formats, and File the model's file within the artifact, or its directory.
	Format string `json:"format"`
	File   string `json:"file"`
	// Type is the model type that fits: TypeLogisticRegression where there is one layer of weights, else TypeWideAndDeep.
	Type string `json:"type"`
	// Features is the bundle's feature file, or "preset NAME" where the artifact implies one, and Golden its golden
	// predictions; empty where it has none.
	Features string `json:"features,omitempty"`
	Golden   string `json:"golden,omitempty"`
	// Parameters are the numbers that training left behind, and Bytes what they take in memory.
	Parameters int64 `json:"parameters"`
	Bytes      int64 `json:"bytes"`
	// Operators are what is computed, and how often; Layers what the artifact calls its parts, in their order.
	Operators []Count `json:"operators,omitempty"`
	Layers    []Layer `json:"layers,omitempty"`
}

// Count is how many there are of something.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Layer is a part of a model, by its name in the artifact.
type Layer struct {
	Name     string `json:"name"`
	Operator string `json:"operator"`
	// Parameters are those that no earlier layer has.
	Parameters int64 `json:"parameters,omitempty"`
}

// Describe says what the model is made of. It must not be changed.
func (m *Model) Describe() Description { return m.description }

// Kind is what GET /v1/models calls the model's format: "pickle", "tensorflow" or "onnx".
func (m *Model) Kind() string {
	if f := formatNamed(m.description.Format); f != nil {
		return f.what
	}
	return "unknown"
}

// describe fills in what is the same for all formats.
func (l *loading) describe() {
	d := &l.model.description
	d.Format, d.File, d.Features, d.Golden = l.format.name, l.name, l.features, l.golden
	if l.preset != "" {
		d.Features = "preset " + l.preset
	}
}

// describeGraph counts what a graph has before it is compiled, as the artifact has it.
func (l *loading) describeGraph(g *graph.Graph) {
	d := &l.model.description
	counted := map[graph.Value]bool{}
	layers := map[string]int{}
	// A reader that knows the artifact's own layers has listed them.
	known := d.Layers != nil
	for i := range g.Nodes {
		node := &g.Nodes[i]
		parameters := int64(0)
		for _, v := range node.In {
			if t := g.Constants[v]; t != nil && !counted[v] {
				counted[v] = true
				d.Bytes += int64(t.Len()) * int64(t.DType().Size())
				if t.DType() == tensor.Float32 || t.DType() == tensor.Float64 {
					parameters += int64(t.Len())
				}
			}
		}
		if weighted, ok := node.Op.(graph.Weighted); ok {
			count, bytes := weighted.Weights()
			parameters += count
			d.Bytes += bytes
		}
		d.Parameters += parameters
		if known {
			continue
		}
		at, ok := layers[node.Name]
		if !ok {
			layers[node.Name] = len(d.Layers)
			d.Layers = append(d.Layers, Layer{Name: node.Name, Operator: node.Op.Name(), Parameters: parameters})
			continue
		}
		layer := &d.Layers[at]
		layer.Parameters += parameters
		if !strings.Contains(layer.Operator, node.Op.Name()) {
			layer.Operator += "+" + node.Op.Name()
		}
	}
}

// describeProgram counts the operators that are run.
func (l *loading) describeProgram(p *engine.Program) {
	operators := map[string]int{}
	for _, node := range p.Nodes() {
		operators[node.Op.Name()]++
	}
	l.model.description.Operators = counts(operators)
}

// counts lists a map in the order of its names.
func counts(of map[string]int) (list []Count) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, Count{name, of[name]})
	}
	return list
}
