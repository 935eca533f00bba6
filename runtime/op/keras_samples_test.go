package op_test

import "github.com/ctr-operator/ctr-operator/runtime/op"

func kerasSamples() []sample {
	return []sample{
		one(op.DecimalHash{StringHash: op.StringHash{Buckets: 1 << 40}}, nil, ls(of(2), -12, 7)),
		one(op.Within{Limit: 3, Why: "is not a row"}, is(of(2), 0, 2), is(of(2), 0, 2)),
	}
}
