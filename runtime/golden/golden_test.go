package golden_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/golden"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

const demo = "../../test/testdata/demo"

// The honest bundles reproduce their golden predictions, and the third one, whose model is another, does not.
func TestReplayFile(t *testing.T) {
	for version, expected := range map[string]string{"v1": "", "v2": "", "v3": "golden.jsonl, line 1: expected ctr_score 0.9"} {
		t.Run(version, func(t *testing.T) {
			m, err := model.Open(t.Context(), filepath.Join(demo, version), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			n, err := golden.ReplayFile(t.Context(), m.Golden(), m)
			if expected == "" {
				if err != nil || n != 11 {
					t.Errorf("%d examples: %v", n, err)
				}
				return
			}
			var mismatch *golden.MismatchError
			if !errors.As(err, &mismatch) || !strings.HasPrefix(err.Error(), expected) {
				t.Fatalf("got %v, expected a mismatch", err)
			}
			if mismatch.Line != 1 || n != 0 || math.Abs(mismatch.Expected-mismatch.Got) < 0.1 || mismatch.Tolerance != 1e-6 {
				t.Errorf("got %+v after %d examples", *mismatch, n)
			}
		})
	}
}

// constant predicts the same for every row, and takes a vector of two.
type constant float64

func (constant) Signature() model.Signature {
	return model.Signature{Features: 2, Fields: []model.Field{{Name: "position", Kind: model.Number, Required: true}}}
}

func (c constant) Predict(row *model.Row) (float64, error) {
	if row.Features == nil && row.Values[0].Num == -1 {
		return 0, &model.InputError{Field: "position", Message: "must not be -1"}
	}
	return float64(c), nil
}

const good = `{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}}`

func TestReplayAccepts(t *testing.T) {
	for name, test := range map[string]struct {
		lines string
		n     int
	}{
		"one":              {good, 1},
		"vector":           {`{"inputs": {"features": [1, 2]}, "outputs": {"ctr_score": 0.25}}`, 1},
		"blank lines":      {"\n" + good + "\n\n \t\n" + good + "\n", 2},
		"CRLF":             {good + "\r\n" + good + "\r\n", 2},
		"within tolerance": {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.26}, "tolerance": 0.011}`, 1},
		"default":          {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.2500009}}`, 1},
		"a large value":    {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 3.25}, "tolerance": 3.1}`, 1},
		"exact":            {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}, "tolerance": 0}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := golden.Replay(t.Context(), strings.NewReader(test.lines), constant(0.25)); err != nil || n != test.n {
				t.Errorf("got %d, %v; expected %d", n, err, test.n)
			}
		})
	}
}

func TestReplayMismatch(t *testing.T) {
	for name, test := range map[string]struct {
		lines string
		got   float64
		line  int
	}{
		"too far":           {good, 0.2500011, 1},
		"the second":        {good + "\n\n" + `{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.5}}`, 0.25, 3},
		"beyond tolerance":  {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.3}, "tolerance": 0.01}`, 0.25, 1},
		"not exact":         {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}, "tolerance": 0}`, math.Nextafter(0.25, 1), 1},
		"NaN":               {good, math.NaN(), 1},
		"NaN, wide":         {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}, "tolerance": 0.99}`, math.NaN(), 1},
		"infinite":          {good, math.Inf(1), 1},
		"outside of [0, 1]": {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 7}}`, 0.25, 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := golden.Replay(t.Context(), strings.NewReader(test.lines), constant(test.got))
			var mismatch *golden.MismatchError
			if !errors.As(err, &mismatch) || mismatch.Line != test.line {
				t.Errorf("got %v, expected a mismatch on line %d", err, test.line)
			}
		})
	}
}

func TestReplayInvalid(t *testing.T) {
	tooMany := strings.Repeat(good+"\n", golden.MaxExamples+1)
	for name, test := range map[string]struct {
		lines string
		line  int
		words string
	}{
		"nothing":            {"", 0, "no example"},
		"only blank lines":   {"\n\n", 0, "no example"},
		"not JSON":           {good + "\nx", 2, "must be {"},
		"an array":           {"[]", 1, "must be {"},
		"two values":         {good + good, 1, "more than one"},
		"unknown key":        {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}, "tol": 1}`, 1, "tol"},
		"unknown output":     {`{"inputs": {"position": 1}, "outputs": {"ctr": 0.25}}`, 1, "ctr"},
		"no inputs":          {`{"outputs": {"ctr_score": 0.25}}`, 1, "inputs is missing"},
		"no outputs":         {`{"inputs": {"position": 1}}`, 1, "outputs.ctr_score is missing"},
		"null output":        {`{"inputs": {"position": 1}, "outputs": {"ctr_score": null}}`, 1, "outputs.ctr_score is missing"},
		"output is text":     {`{"inputs": {"position": 1}, "outputs": {"ctr_score": "0.25"}}`, 1, "ctr_score"},
		"output NaN":         {`{"inputs": {"position": 1}, "outputs": {"ctr_score": NaN}}`, 1, "must be {"},
		"missing field":      {`{"inputs": {}, "outputs": {"ctr_score": 0.25}}`, 1, "position"},
		"wrong type":         {`{"inputs": {"position": "1"}, "outputs": {"ctr_score": 0.25}}`, 1, "position"},
		"batch":              {`{"inputs": [{"position": 1}], "outputs": {"ctr_score": 0.25}}`, 1, "inputs"},
		"wrong vector":       {`{"inputs": {"features": [1]}, "outputs": {"ctr_score": 0.25}}`, 1, "features"},
		"refused":            {`{"inputs": {"position": -1}, "outputs": {"ctr_score": 0.25}}`, 1, "inputs.position: must not be -1"},
		"negative tolerance": {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}, "tolerance": -1}`, 1, "tolerance"},
		"tolerance of all":   {`{"inputs": {"position": 1}, "outputs": {"ctr_score": -30}, "tolerance": 30}`, 1, "less than 30"},
		"tolerance of one":   {`{"inputs": {"position": 1}, "outputs": {"ctr_score": 0.25}, "tolerance": 1}`, 1, "tolerance"},
		"invalid UTF-8":      {"{\"inputs\": {\"position\": 1, \"x\": \"\xff\"}, \"outputs\": {\"ctr_score\": 0.25}}", 1, "UTF-8"},
		"too many":           {tooMany, golden.MaxExamples + 1, "more than 10000 examples"},
		"a long line":        {good + "\n" + strings.Repeat(" ", golden.MaxLineBytes+1), 2, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := golden.Replay(t.Context(), strings.NewReader(test.lines), constant(0.25))
			var invalid *golden.InvalidError
			if !errors.As(err, &invalid) || invalid.Line != test.line || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, expected an InvalidError on line %d: …%s…", err, test.line, test.words)
			}
		})
	}
}

func TestReplayIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := golden.Replay(ctx, strings.NewReader(good), constant(0.25)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, expected a cancellation", err)
	}
}

func TestReplayFileIsAbsent(t *testing.T) {
	_, err := golden.ReplayFile(t.Context(), filepath.Join(t.TempDir(), "golden.jsonl"), constant(0.25))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, expected that there is no file", err)
	}
}

// FuzzReplay: whatever the file, an example either is invalid, differs, or comes out; and NaN never comes out.
func FuzzReplay(f *testing.F) {
	for _, version := range []string{"v1", "v3"} {
		data, err := os.ReadFile(filepath.Join(demo, version, "golden.jsonl"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(good))
	f.Add([]byte(`{"inputs": {"features": [1, 2]}, "outputs": {"ctr_score": 1e-400}, "tolerance": 1e-9}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := golden.Replay(t.Context(), strings.NewReader(string(data)), constant(math.NaN()))
		var invalid *golden.InvalidError
		var mismatch *golden.MismatchError
		if n != 0 || (!errors.As(err, &invalid) && !errors.As(err, &mismatch)) {
			t.Fatalf("%d examples came out as NaN: %v", n, err)
		}
	})
}
