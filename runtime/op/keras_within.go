package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Within hands integers on, and fails where one of them is below 0, or is Limit or above, unless that is 0. Why is what the
// error says after the number.
type Within struct {
	Limit int64
	Why   string
}

// Name implements graph.Op.
func (Within) Name() string { return "Within" }

// Run implements graph.Op.
func (o Within) Run(_ *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	if !isInt(x) {
		return typeError("integers", x)
	}
	for i := range x.Len() {
		if v := int64(intAt(x, i)); v < 0 || o.Limit > 0 && v >= o.Limit {
			return fmt.Errorf("%d %s", v, o.Why)
		}
	}
	out[0].View(x, x.Shape()...)
	return nil
}
