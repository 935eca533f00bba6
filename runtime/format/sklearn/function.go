package sklearn

import "github.com/ctr-operator/ctr-operator/runtime/tabular"

// readFunction reads a FunctionTransformer of no function, which is also how newer versions write 'passthrough'.
func readFunction(_ *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("", columns)
	if err != nil {
		return nil, err
	}
	if !attributes.isNone("func") {
		return nil, unsupported(from.path+".func", "is a function, which is not run; supported is None")
	}
	if attributes.is("validate") {
		return &tabular.Check{Columns: columns}, nil
	}
	return nil, nil //nolint:nilnil // a stage that changes nothing is none
}
