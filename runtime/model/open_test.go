package model_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/model"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// refused checks that an artifact is refused for the reason, in a message that has the words.
func refused(t *testing.T, location string, options model.Options, reason contract.Reason, words ...string) {
	t.Helper()
	_, err := model.Open(t.Context(), location, options)
	var load *model.LoadError
	if !errors.As(err, &load) {
		t.Errorf("got %v, expected a LoadError", err)
		return
	}
	if load.Reason != reason {
		t.Errorf("reason is %s, expected %s: %v", load.Reason, reason, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the message lacks %q: %v", word, err)
		}
	}
}

func TestHostileArtifacts(t *testing.T) {
	hostile := map[string]struct {
		reason contract.Reason
		words  []string
	}{
		"bomb.joblib":               {contract.ReasonArtifactTooLarge, []string{"bz2", "79 bytes unpack to more"}},
		"function.pkl":              {contract.ReasonArtifactUnsafe, []string{"expit"}},
		"object-array.joblib":       {contract.ReasonArtifactTruncated, []string{"upload the artifact again"}},
		"old-joblib.pkl":            {contract.ReasonUnsupportedModel, []string{"NDArrayWrapper", "before 0.10"}},
		"old-joblib-compressed.pkl": {contract.ReasonArtifactMalformed, []string{"before 0.10"}},
		"quantiles.pkl":             {contract.ReasonUnsupportedModel, []string{"QuantileTransformer", "supported are", "RobustScaler"}},
		"sgd-hinge.pkl":             {contract.ReasonUnsupportedModel, []string{"model.loss", "hinge", "modified_huber"}},
		"empty.pkl":                 {contract.ReasonArtifactTruncated, []string{"empty"}},
		"gradient-boosting.pkl":     {contract.ReasonUnsupportedModel, []string{"GradientBoostingClassifier", "supported are"}},
		"hidden-eval.pkl":           {contract.ReasonArtifactUnsafe, []string{"would execute builtins.eval", "nothing was run"}},
		"infinite.pkl":              {contract.ReasonArtifactMalformed, []string{"coef_", "+Inf"}},
		"not-a-pickle.pkl":          {contract.ReasonArtifactMalformed, []string{"not a pickle", "HTML"}},
		"os-system-protocol0.pkl":   {contract.ReasonArtifactUnsafe, []string{"would execute os.system"}},
		"os-system.pkl":             {contract.ReasonArtifactUnsafe, []string{"would execute posix.system", "at byte"}},
		"random-forest.pkl":         {contract.ReasonUnsupportedModel, []string{"RandomForestClassifier", "supported are", "ONNX"}},
		"trailing.pkl":              {contract.ReasonArtifactMalformed, []string{"16 bytes after"}},
		"truncated.pkl":             {contract.ReasonArtifactTruncated, []string{"upload the artifact again"}},
		"unfitted.pkl":              {contract.ReasonArtifactMalformed, []string{"coef_", "before it was fitted"}},
		"untrained.pkl":             {contract.ReasonArtifactMalformed, []string{"is_trained"}},
	}
	files, err := filepath.Glob(testdata + "/hostile/*")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "-classes.pkl") })
	if err != nil || len(files) != len(hostile) {
		t.Errorf("%d files, %d expectations (%v)", len(files), len(hostile), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			expected := hostile[filepath.Base(file)]
			refused(t, file, model.Options{}, expected.reason, append(expected.words, filepath.Base(file))...)
		})
	}
}

// bundle makes an artifact directory of files, whose contents are copied from testdata where they name a file there.
func bundle(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(content)
		if set, _, isPath := strings.Cut(content, "/"); isPath && slices.Contains([]string{"demo", "sklearn", "hostile", "pickle"}, set) {
			var err error
			if data, err = os.ReadFile(fixtures.Path(t, content)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	goodModel  = "demo/v1/model.pkl"
	goodGolden = "demo/v1/golden.jsonl"
)

func TestOpenFindsTheModelByContent(t *testing.T) {
	for name, test := range map[string]struct {
		files  map[string]string
		golden string
	}{
		"any name":           {map[string]string{"2026-11-20": goodModel}, ""},
		"a text's name":      {map[string]string{"model.txt": goodModel}, ""},
		"a README's name":    {map[string]string{"readme": goodModel, "golden.jsonl": goodGolden}, "golden.jsonl"},
		"bundle":             {map[string]string{"m": goodModel, "golden.jsonl": goodGolden, "README.md": "x"}, "golden.jsonl"},
		"below":              {map[string]string{"v1/m": goodModel, "v1/golden.jsonl": goodGolden}, "v1/golden.jsonl"},
		"golden elsewhere":   {map[string]string{"v1/m": goodModel, "golden.jsonl": goodGolden}, "golden.jsonl"},
		"another file":       {map[string]string{"m.pkl": goodModel, "training.csv": "a,b\n"}, ""},
		"hidden directories": {map[string]string{"m.pkl": goodModel, ".git/objects/x": goodModel}, ""},
		"joblib":             {map[string]string{"m.joblib": "sklearn/1.9.1/container-raw.joblib", "golden.csv": "a,b\n"}, ""},
		"compressed joblib":  {map[string]string{"m": "sklearn/1.9.1/container-xz.joblib", "log.xz": "\xfd7zXZ\x00\x00", "log.csv": "a,b\n"}, ""},
		"zlib, alone":        {map[string]string{"m": "sklearn/1.9.1/container-zlib.joblib"}, ""},
		"headerless":         {map[string]string{"m": "sklearn/1.9.1/bare-protocol0.pkl", "reference.json": "{}"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := bundle(t, test.files)
			m := open(t, dir)
			golden := ""
			if test.golden != "" {
				golden = filepath.Join(dir, test.golden)
			}
			if m.Golden() != golden {
				t.Errorf("golden is %q, expected %q", m.Golden(), golden)
			}
			if m.Signature().Features != 12 {
				t.Errorf("the signature is %+v", m.Signature())
			}
		})
	}
}

func TestOpenRefusesTheArtifact(t *testing.T) {
	for name, test := range map[string]struct {
		files  map[string]string
		reason contract.Reason
		words  []string
	}{
		"empty":        {nil, contract.ReasonArtifactNotFound, []string{"no model file"}},
		"only golden":  {map[string]string{"golden.jsonl": goodGolden}, contract.ReasonArtifactMalformed, []string{"golden.jsonl", "found JSON"}},
		"no model":     {map[string]string{"golden.jsonl": goodGolden, "README": "x"}, contract.ReasonArtifactNotFound, []string{"no model file"}},
		"ambiguous":    {map[string]string{"a.pkl": goodModel, "b.pkl": goodModel}, contract.ReasonArtifactMalformed, []string{"a.pkl, b.pkl"}},
		"no candidate": {map[string]string{"a.csv": "1", "b.csv": "2"}, contract.ReasonArtifactMalformed, []string{"a.csv, b.csv"}},
		"many": {
			map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6", "g": "7"},
			contract.ReasonArtifactMalformed, []string{"a, b, c, d, e and 2 more"},
		},
		"two golden files": {
			map[string]string{"m": goodModel, "golden.jsonl": goodGolden, "x/golden.jsonl": goodGolden},
			contract.ReasonGoldenInvalid, []string{"x/golden.jsonl"},
		},
		"golden predictions of another name": {
			map[string]string{"m": goodModel, "Golden.jsonl": goodGolden},
			contract.ReasonGoldenInvalid, []string{"Golden.jsonl", "rename it"},
		},
		"golden predictions in a folder": {
			map[string]string{"m": goodModel, "golden.jsonl/1.txt": goodGolden},
			contract.ReasonGoldenInvalid, []string{"golden.jsonl/1.txt", "rename it"},
		},
		"features.yaml": {
			map[string]string{"m": goodModel, "features.yaml": "x: y"},
			contract.ReasonArtifactMalformed, []string{"features.yaml: line 1", `"x" is not known`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, bundle(t, test.files), model.Options{}, test.reason, test.words...)
		})
	}
	t.Run("absent", func(t *testing.T) {
		refused(t, filepath.Join(t.TempDir(), "absent"), model.Options{}, contract.ReasonArtifactNotFound)
	})
	t.Run("type", func(t *testing.T) {
		refused(t, testdata+"/demo/v1", model.Options{Type: "WideAndDeep"}, contract.ReasonUnsupportedModel,
			"WideAndDeep", "LogisticRegression")
		refused(t, testdata+"/demo/v1", model.Options{Type: "DeepFM"}, contract.ReasonUnsupportedModel, "DeepFM", "WideAndDeep")
	})
	t.Run("too large", func(t *testing.T) {
		refused(t, testdata+"/demo/v1", model.Options{MaxBytes: 100}, contract.ReasonArtifactTooLarge, "at most 100")
	})
	t.Run("tokenizer", func(t *testing.T) {
		broken := func() (*features.Tokenizer, error) { return nil, fs.ErrNotExist }
		refused(t, testdata+"/demo/v1", model.Options{Tokenizer: broken}, contract.ReasonInternal, "tokenizer")
	})
}

// A link in an artifact must not lead to the files of the machine.
func TestOpenDoesNotFollowLinks(t *testing.T) {
	outside := bundle(t, map[string]string{"model.pkl": goodModel})
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "model.pkl"), filepath.Join(dir, "model.pkl")); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, model.Options{}, contract.ReasonArtifactNotFound)
}

// The dictionary costs memory and time, so that a model without text must not ask for it.
func TestTokenizerIsLoadedOnlyWhereItIsNeeded(t *testing.T) {
	asked := 0
	source := func() (*features.Tokenizer, error) { asked++; return tokenizer() }
	for artifact, expected := range map[string]int{
		"/sklearn/1.9.1/bare-liblinear.pkl": 0,
		"/sklearn/1.9.1/pipeline.pkl":       0,
		"/sklearn/1.9.1/narrow-parts.pkl":   0,
		"/demo/v1":                          1,
	} {
		asked = 0
		if _, err := model.Open(t.Context(), fixtures.Path(t, artifact), model.Options{Tokenizer: source}); err != nil {
			t.Fatal(err)
		}
		if asked != expected {
			t.Errorf("%s asks for the tokenizer %d times, expected %d", artifact, asked, expected)
		}
	}
}
