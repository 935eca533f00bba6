// Package wire walks over messages in the wire format of protocol buffers, as TensorFlow and ONNX write their graphs,
// from untrusted sources and without generated code: a reader asks for the fields that it knows, and passes over the
// others.
//
//	root := wire.New(data, wire.Limits{})
//	for root.Next() {
//		switch root.Field() {
//		case 1:
//			name = root.String()
//		case 2:
//			shape := root.Message()
//			for shape.Next() { … }
//		case 3:
//			values = root.AppendInt64(values) // packed or one by one
//		}
//	}
//	return root.Err()
//
// The first error sticks to the root and to everything below it: from then on Next is false and every read is zero, so
// that callers check once. A read that does not fit the field's wire type is such an error; a field that is not read is
// passed over.
//
// # Bounds
//
// Bytes alias the input; strings are copies. Nothing is longer than what is left of the message around it. The depth of
// messages, the number of fields, and what callers charge for the values that they make of them are bounded by Limits, in
// proportion to the input's size.
package wire
