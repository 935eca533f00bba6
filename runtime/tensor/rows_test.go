package tensor_test

import (
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func TestRows(t *testing.T) {
	testRows(t, []float32{0, 1, 2, 3, 4, 5, 6, 7})
	testRows(t, []float64{0, 1, 2, 3, 4, 5, 6, 7})
	testRows(t, []int32{0, 1, 2, 3, 4, 5, 6, 7})
	testRows(t, []int64{0, 1, 2, 3, 4, 5, 6, 7})
	testRows(t, []bool{false, true, true, false, true, false, false, true})
	testRows(t, []string{"a", "b", "c", "d", "e", "f", "g", "h"})
}

func testRows[T tensor.Element](t *testing.T, values []T) {
	src, view, whole := tensor.Of(values, 4, 2), &tensor.Tensor{}, tensor.New(tensor.TypeOf[T](), 4, 2)
	view.ViewRows(src, 1, 2)
	if got := tensor.Data[T](view); !slices.Equal(got, values[2:6]) || !slices.Equal(view.Shape(), []int{2, 2}) {
		t.Errorf("two rows of %v are %v, a %v", values, got, view)
	}
	if !whole.SetRows(2, view) || !slices.Equal(tensor.Data[T](whole)[4:], values[2:6]) {
		t.Errorf("set to %v", tensor.Data[T](whole))
	}
	for _, other := range []*tensor.Tensor{
		tensor.New(tensor.TypeOf[T](), 2, 3), tensor.New(tensor.TypeOf[T](), 2), tensor.New(tensor.TypeOf[T]()),
	} {
		if whole.SetRows(0, other) {
			t.Errorf("takes rows of %v", other)
		}
	}
	if whole.SetRows(3, view) {
		t.Error("takes rows beyond the end")
	}
	// A view gives its own storage back.
	view.Resize(tensor.TypeOf[T](), 8)
	clear(tensor.Data[T](view))
	if slices.Equal(tensor.Data[T](src), tensor.Data[T](view)) {
		t.Error("the view still shares the elements")
	}
	view.ViewRows(src, 4, 0)
	if view.Len() != 0 {
		t.Errorf("no rows are %v", view)
	}
}
