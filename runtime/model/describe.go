package model

// Description says what an opened artifact is made of.
type Description struct {
	// Format is one of Formats, and File the model's file within the artifact, or its directory.
	Format string `json:"format"`
	File   string `json:"file"`
	// Type is the model type that fits: TypeLogisticRegression where there is one layer of weights, else TypeWideAndDeep.
	Type string `json:"type"`
	// Features is the bundle's feature file, and Golden its golden predictions; empty where it has none.
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
}
