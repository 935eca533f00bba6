// Package golden replays a bundle's golden predictions: examples with the outputs that the training framework gave. A
// model that does not reproduce them is not the model that was trained, and must not serve.
//
// The file has one JSON object on each line:
//
//	{"inputs": {…}, "outputs": {"ctr_score": 0.25}, "tolerance": 1e-6}
//
// The inputs are those of a prediction request, fields or {"features": […]}; the tolerance is absolute, and 1e-6 where
// it is absent.
package golden

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
)

// Bounds of a file. They are far above what a gate before traffic can use.
const (
	MaxExamples  = 10_000
	MaxLineBytes = 1 << 20
)

const defaultTolerance = 1e-6

// Predictor is what of a model is replayed.
type Predictor interface {
	Signature() model.Signature
	Predict(row *model.Row) (float64, error)
}

// InvalidError says that the file, or one of its examples, says nothing about the model.
type InvalidError struct {
	// Line is 1-based; 0 where the file as a whole is meant.
	Line    int
	Message string
}

func (e *InvalidError) Error() string {
	if e.Line == 0 {
		return "golden.jsonl: " + e.Message
	}
	return fmt.Sprintf("golden.jsonl, line %d: %s", e.Line, e.Message)
}

// MismatchError says that the model predicts something else than it should.
type MismatchError struct {
	// Line is 1-based.
	Line                     int
	Expected, Got, Tolerance float64
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("golden.jsonl, line %d: expected ctr_score %v, got %v (tolerance %v); "+
		"publish the model that these predictions came from, or its own predictions", e.Line, e.Expected, e.Got, e.Tolerance)
}

// ReplayFile replays the file at path, and returns how many examples came out. Its errors are *InvalidError,
// *MismatchError, or those of the context and the file system.
func ReplayFile(ctx context.Context, path string, predictor Predictor) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("opening the golden predictions: %w", err)
	}
	defer file.Close()
	return Replay(ctx, file, predictor)
}

// Replay replays examples in the form of golden.jsonl, and stops at the first that does not come out.
func Replay(ctx context.Context, from io.Reader, predictor Predictor) (int, error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, MaxLineBytes)
	decoder := request.NewDecoder(predictor.Signature(), 1)
	examples, line := 0, 0
	for lines.Scan() {
		line++
		if err := ctx.Err(); err != nil {
			return examples, fmt.Errorf("replaying golden predictions, at line %d: %w", line, err)
		}
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if examples == MaxExamples {
			return examples, &InvalidError{line, fmt.Sprintf("there are more than %d examples; keep the telling ones", MaxExamples)}
		}
		if err := replayLine(lines.Bytes(), line, decoder, predictor); err != nil {
			return examples, err
		}
		examples++
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return examples, &InvalidError{line + 1, fmt.Sprintf("the line is longer than %d bytes", MaxLineBytes)}
	case err != nil:
		return examples, fmt.Errorf("reading the golden predictions: %w", err)
	case examples == 0:
		return 0, &InvalidError{0, "there is no example in it; write some, or leave the file out"}
	}
	return examples, nil
}

func replayLine(raw []byte, line int, decoder *request.Decoder, predictor Predictor) error {
	example, err := parse(raw)
	if err != nil {
		return &InvalidError{line, err.Error()}
	}
	var decoded request.Request
	body := `{"inputs":` + string(example.Inputs) + `}`
	if err := decoder.Decode(body, request.Single, "", &decoded); err != nil {
		return &InvalidError{line, err.Error()}
	}
	got, err := predictor.Predict(&decoded.Rows[0])
	var input *model.InputError
	switch {
	case errors.As(err, &input):
		return &InvalidError{line, request.FromInputError(input, request.Single).Error()}
	case err != nil:
		return fmt.Errorf("golden.jsonl, line %d: %w", line, err)
	}
	// Written so that NaN, of which every comparison is false, never passes.
	if math.Abs(got-example.expected) <= example.tolerance {
		return nil
	}
	return &MismatchError{Line: line, Expected: example.expected, Got: got, Tolerance: example.tolerance}
}

// example is one line. The pointers tell null and absent from zero.
type example struct {
	Inputs  json.RawMessage `json:"inputs"`
	Outputs struct {
		CTRScore *float64 `json:"ctr_score"`
	} `json:"outputs"`
	Tolerance *float64 `json:"tolerance"`

	expected, tolerance float64
}

func parse(raw []byte) (*example, error) {
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	e := &example{tolerance: defaultTolerance}
	if err := strict.Decode(e); err != nil {
		return nil, fmt.Errorf(`must be {"inputs": {…}, "outputs": {"ctr_score": p}}: %w`, err)
	}
	switch _, err := strict.Token(); {
	case !errors.Is(err, io.EOF):
		return nil, errors.New("there is more than one JSON value on the line")
	case len(e.Inputs) == 0:
		return nil, errors.New("inputs is missing")
	case e.Outputs.CTRScore == nil:
		return nil, errors.New("outputs.ctr_score is missing")
	}
	e.expected = *e.Outputs.CTRScore
	if e.Tolerance != nil {
		e.tolerance = *e.Tolerance
	}
	// A probability is off by one at most, so that a larger tolerance would let everything pass; a regressor's value may be larger.
	if most := max(1, math.Abs(e.expected)); e.tolerance < 0 || e.tolerance >= most {
		return nil, fmt.Errorf("tolerance must be at least 0 and less than %v, not %v", most, e.tolerance)
	}
	return e, nil
}
