package op

import (
	"errors"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// StringConcat joins the strings of two tensors, which are broadcast. It allocates for each.
type StringConcat struct{}

// Name implements graph.Op.
func (StringConcat) Name() string { return "StringConcat" }

// Run implements graph.Op.
func (StringConcat) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := pair(in, out); err != nil {
		return err
	}
	if in[0].DType() != tensor.String {
		return typeError("strings", in[0])
	}
	var full error
	err := zip(f, out[0], in[0], in[1], func(y, a, b []string) {
		each(y, a, b, func(a, b string) string {
			if full == nil {
				full = f.Charge(int64(len(a) + len(b)))
			}
			if full != nil {
				return ""
			}
			return a + b
		})
	})
	return errors.Join(err, full)
}
