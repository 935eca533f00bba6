package model_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// A program embeds the engine: it opens an artifact once, and predicts from any number of goroutines.
func Example() {
	m, err := model.Open(context.Background(), "../../test/testdata/demo/v1", model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	signature := m.Signature()
	row := model.Row{Values: make([]model.Value, len(signature.Fields))}
	inputs := map[string]model.Value{
		"query":    {Set: true, Str: "人工智能"},
		"position": {Set: true, Num: 1},
		"score":    {Set: true, Num: 0.8},
		"summary":  {Set: true, Str: "人工智能技术介绍"},
	}
	for i, field := range signature.Fields {
		row.Values[i] = inputs[field.Name]
	}
	p, err := m.Predict(&row)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", p)
	// Output: 0.6584
}

// Every model takes its feature vector, too.
func Example_vector() {
	m, err := model.Open(context.Background(), "../../test/testdata/sklearn/1.9.1/narrow-parts.pkl", model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	out := make([]float64, 2)
	err = m.PredictBatch([]model.Row{{Features: []float64{1, 1, 0.9}}, {Features: []float64{10, 0, 0.1}}}, out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f %.2f\n", out[0], out[1])
	// Output: 0.91 0.05
}
