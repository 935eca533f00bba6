package tabular

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/features/text"
)

func vocabulary(t testing.TB, words ...string) *Vocabulary {
	t.Helper()
	v := NewVocabulary(len(words))
	for i, word := range words {
		if !v.Add(word, int32(i)) {
			t.Fatalf("%q is there already", word)
		}
	}
	return v
}

func analyzer(t testing.TB) *text.Analyzer {
	t.Helper()
	a, err := text.New(text.Options{Lowercase: true, Kind: text.Words, Pattern: `\w+`, Min: 1, Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sparse applies a transform to cells, and returns what it puts in which column.
func sparse(t *testing.T, transform Transform, cells ...Cell) (columns []int32, numbers []float64, err error) {
	t.Helper()
	var scratch Scratch
	made := &Row{}
	err = transform.Apply(made, &Row{Form: Mixed, Cells: cells}, &scratch)
	return made.Index, made.Numbers, err
}

func TestVocabulary(t *testing.T) {
	var words []string
	for i := range 1000 {
		words = append(words, fmt.Sprint(i*7))
	}
	v := vocabulary(t, append(words, "", "ß", strings.Repeat("x", 1000))...)
	if v.Len() != 1003 || v.Add("7", 5) {
		t.Errorf("%d words", v.Len())
	}
	for i, word := range words {
		if column, ok := v.Column([]byte(word)); !ok || int(column) != i {
			t.Errorf("%q is at %d, %v", word, column, ok)
		}
	}
	for _, word := range []string{"1", "-7", " ", "ẞ", strings.Repeat("x", 999)} {
		if _, ok := v.Column([]byte(word)); ok {
			t.Errorf("%q is there", word)
		}
	}
	if _, ok := NewVocabulary(0).Column([]byte("a")); ok {
		t.Error("an empty vocabulary has a word")
	}
}

func TestTermsCount(t *testing.T) {
	count := VocabularyTerms(analyzer(t), vocabulary(t, "b", "a", "c"), TermOptions{})
	columns, numbers, err := sparse(t, count, Cell{Kind: Text, Str: "A b, a d a"})
	if err != nil || !reflect.DeepEqual(columns, []int32{0, 1}) || !reflect.DeepEqual(numbers, []float64{1, 3}) {
		t.Errorf("%v %v %v", columns, numbers, err)
	}
	binary := VocabularyTerms(analyzer(t), vocabulary(t, "b", "a"), TermOptions{
		Binary: true, Weights: &Weights{Columns: 2, Factors: []float64{3, 4}, Normed: true, Norm: L2},
	})
	columns, numbers, err = sparse(t, binary, Cell{Kind: Text, Str: "a b a"})
	if err != nil || !reflect.DeepEqual(columns, []int32{0, 1}) || !reflect.DeepEqual(numbers, []float64{0.6, 0.8}) {
		t.Errorf("%v %v %v", columns, numbers, err)
	}
	for _, cell := range []Cell{{}, {Kind: None}, {Kind: Texts, Many: &Many{}}} {
		_, _, err := sparse(t, VocabularyTerms(analyzer(t), vocabulary(t, "a"), TermOptions{Origins: []int{4}}), cell)
		if refused, ok := errors.AsType[*CellError](err); !ok || refused.Column != 4 {
			t.Errorf("%v: %v", cell, err)
		}
	}
}

// TestHashes has the places and signs that scikit-learn's FeatureHasher gives; see text_tokens.py for the hash.
func TestHashes(t *testing.T) {
	h := hashed{columns: 8, signed: true}
	for sum, want := range map[int32]struct {
		column uint32
		sign   float64
	}{0: {0, 1}, 9: {1, 1}, -9: {1, -1}, math.MaxInt32: {7, 1}, math.MinInt32: {0, -1}} {
		if column, sign := h.place(sum); column != want.column || sign != want.sign {
			t.Errorf("%d: column %d, sign %v", sum, column, sign)
		}
	}
	// scikit-learn: (2147483647 - (n - 1)) % n of the lowest hash.
	for _, n := range []uint32{1, 3, 7, 1000, math.MaxInt32} {
		if column, _ := (hashed{columns: n}).place(math.MinInt32); column != (2147483647-(n-1))%n {
			t.Errorf("%d columns: %d", n, column)
		}
	}
}

func TestFieldsOfEveryKind(t *testing.T) {
	table := NewFieldTable(vocabulary(t, "n", "s=a", "s=b"), "=", []int{0})
	fields := func(cells ...Cell) Cell {
		return Cell{Kind: Fields, Many: &Many{Texts: []string{"n", "s", "other"}[:len(cells)], Cells: cells}}
	}
	list := Cell{Kind: Texts, Many: &Many{Texts: []string{"b", "a", "b"}}}
	columns, numbers, err := sparse(t, table, fields(Cell{Num: 2}, list, Cell{Kind: Text, Str: "x"}))
	if err != nil || !reflect.DeepEqual(columns, []int32{0, 1, 2}) || !reflect.DeepEqual(numbers, []float64{2, 1, 2}) {
		t.Errorf("%v %v %v", columns, numbers, err)
	}
	if _, numbers, err = sparse(t, table, fields(Cell{Kind: None})); err != nil || len(numbers) != 1 || !math.IsNaN(numbers[0]) {
		t.Errorf("%v %v", numbers, err)
	}
	hashes := NewHashedFields(4, true, nil)
	for _, refused := range []Cell{fields(list), fields(Cell{Kind: None}), {Kind: Text}} {
		if _, _, err := sparse(t, hashes, refused); err == nil {
			t.Errorf("%v is hashed", refused)
		}
	}
	if columns, _, err := sparse(t, hashes, fields(Cell{}, Cell{Num: math.Copysign(0, -1)})); err != nil || len(columns) != 0 {
		t.Errorf("zeros are in %v: %v", columns, err)
	}
	if _, _, err := sparse(t, NewHashedTexts(1, 4, true, nil), Cell{Num: 1}); err == nil {
		t.Error("a number is hashed as a text")
	}
}

func TestWeightsRefuse(t *testing.T) {
	sublinear := &Weights{Columns: 1, Sublinear: true}
	row, made := &Row{Form: Sparse, Index: []int32{0}, Numbers: []float64{math.NaN()}}, &Row{}
	if err := sublinear.Apply(made, row, &Scratch{}); !errors.Is(err, ErrRange) {
		t.Errorf("got %v", err)
	}
	row.Numbers[0] = math.E
	if err := sublinear.Apply(made, row, &Scratch{}); err != nil || made.Numbers[0] != 2 || row.Numbers[0] != math.E {
		t.Errorf("%v: %v of %v", err, made.Numbers, row.Numbers)
	}
}
