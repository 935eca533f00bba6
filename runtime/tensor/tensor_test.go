package tensor_test

import (
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func TestResizeKeepsStorage(t *testing.T) {
	x := tensor.New(tensor.Float32, 2, 3)
	if x.Len() != 6 || x.Rank() != 2 || x.DType() != tensor.Float32 || x.String() != "float32[2 3]" {
		t.Errorf("made %v of %d elements", x, x.Len())
	}
	shapes := [][]int{{1}, {3, 2}, {}, {0, 5}}
	if allocs := testing.AllocsPerRun(10, func() {
		for _, shape := range shapes {
			x.Resize(tensor.Float32, shape...)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if x.Len() != 0 || !slices.Equal(x.Shape(), []int{0, 5}) {
		t.Errorf("is %v", x)
	}
}

func TestTypes(t *testing.T) {
	sizes := map[tensor.DType]int{
		tensor.Float32: 4, tensor.Float64: 8, tensor.Int32: 4, tensor.Int64: 8, tensor.Bool: 1, tensor.String: 16,
	}
	for dtype, size := range sizes {
		x := tensor.New(dtype, 2)
		y := x.Clone()
		y.Clear()
		if dtype.Size() != size || y.DType() != dtype || y.Len() != 2 || x.Bytes() != int64(2*size) {
			t.Errorf("%v: %v of %d bytes", dtype, y, x.Bytes())
		}
	}
	if tensor.TypeOf[string]() != tensor.String || tensor.TypeOf[bool]() != tensor.Bool || tensor.TypeOf[int32]() != tensor.Int32 {
		t.Error("the types of elements are mixed up")
	}
	var none *tensor.Tensor
	if none.String() != "nothing" || tensor.DType(9).String() != "DType(9)" {
		t.Errorf("%v, %v", none, tensor.DType(9))
	}
}

func TestViewLeavesItsOwnStorageAlone(t *testing.T) {
	x := tensor.Of([]int64{1, 2, 3, 4}, 2, 2)
	y := tensor.Of([]int64{9}, 1)
	y.View(x, 4)
	y.View(x, 4, 1)
	if got := tensor.Data[int64](y); !slices.Equal(got, []int64{1, 2, 3, 4}) || !slices.Equal(y.Shape(), []int{4, 1}) {
		t.Errorf("views %v %v", y, got)
	}
	y.Resize(tensor.Int64, 1)
	tensor.Data[int64](y)[0] = 7
	if got := tensor.Data[int64](x)[0]; got != 1 {
		t.Errorf("writing after a view changed what was viewed to %d", got)
	}
}

func TestForget(t *testing.T) {
	x := tensor.Of([]string{"constant"}, 1)
	y := tensor.New(tensor.String, 3)
	copy(tensor.Data[string](y), []string{"a", "b", "c"})
	y.Resize(tensor.String, 1)
	y.Forget()
	y.Resize(tensor.String, 3)
	if got := tensor.Data[string](y); !slices.Equal(got, []string{"", "", ""}) {
		t.Errorf("still holds %q", got)
	}
	tensor.Data[string](y)[0] = "mine"
	y.View(x, 1)
	y.Forget()
	if got := tensor.Data[string](x)[0]; got != "constant" || y.DType() != 0 {
		t.Errorf("%v made the other %q", y, got)
	}
	y.Resize(tensor.String, 3)
	if got := tensor.Data[string](y)[0]; got != "" {
		t.Errorf("still holds %q", got)
	}
}

func TestMistakesPanic(t *testing.T) {
	for name, mistake := range map[string]func(){
		"Of":   func() { tensor.Of([]bool{true}, 2) },
		"Data": func() { tensor.Data[bool](tensor.New(tensor.String)) },
		"View": func() { tensor.New(tensor.Bool).View(tensor.New(tensor.Bool, 2), 3) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("went unnoticed")
				}
			}()
			mistake()
		})
	}
}
