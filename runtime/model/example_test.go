package model_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
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

// A model of one vector takes it bare, and many rows at a time.
func ExampleModel_PredictBatch() {
	m, err := model.Open(context.Background(), "../../test/testdata/example/three-features.pkl", model.Options{})
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

// Which classes a model of several has, and what it says of each.
func ExampleModel_PredictInto() {
	m, err := model.Open(context.Background(), "../../test/testdata/hostile/three-classes.pkl", model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	scores := make([]float64, len(m.Signature().Scores))
	if err := m.PredictInto(&model.Row{Features: []float64{0, 1}}, scores); err != nil {
		log.Fatal(err)
	}
	for i, name := range m.Signature().Scores {
		fmt.Printf("class %s: %.1f\n", name, scores[i])
	}
	// Output:
	// class 0: 0.4
	// class 1: 0.3
	// class 2: 0.3
}

// What `ctr-runtime inspect` prints is there for programs, too.
func ExampleModel_Describe() {
	m, err := model.Open(context.Background(), "../../test/testdata/demo/v1", model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	description := m.Describe()
	fmt.Println(description.Format, description.File, description.Golden)
	for _, field := range m.Signature().Fields {
		fmt.Println(field.Name, field.Kind, field.Required)
	}
	// Output:
	// sklearn model.pkl golden.jsonl
	// query string true
	// doc_id string false
	// position number true
	// score number true
	// summary string true
}

// handler answers the server's prediction requests within a program's own HTTP server.
type handler struct {
	model   *model.Model
	decoder *request.Decoder
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var inputs request.Request // a busy program keeps these in a pool
	if err := h.decoder.Decode(string(body), request.Single, "", &inputs); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	score, err := h.model.Predict(&inputs.Rows[0])
	if input, ok := errors.AsType[*model.InputError](err); ok {
		http.Error(w, input.Error(), http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]float64{model.ScoreName: score})
}

// A program answers predictions in a handler of its own.
func Example_handler() {
	m, err := model.Open(context.Background(), "../../test/testdata/demo/v1", model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	h := handler{m, request.NewDecoder(m.Signature(), 1)}
	for _, body := range []string{
		`{"inputs": {"query": "人工智能", "position": 1, "score": 0.8, "summary": "人工智能技术介绍"}}`,
		`{"inputs": {"query": "人工智能", "position": -1, "score": 0.8, "summary": ""}}`,
	} {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/ctr", strings.NewReader(body)))
		fmt.Print(answer.Code, " ", answer.Body)
	}
	// Output:
	// 200 {"ctr_score":0.6584274620546415}
	// 400 position: must not be -1: 1/(position+1) is one of the model's features
}
