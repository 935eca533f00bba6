package pickle

import (
	"fmt"
	"math/big"
	"slices"
)

// Node is a value of the tree: one of the types of this file, or *Array and *DType.
type Node interface{ node() }

// None is Python's None.
type None struct{}

// Bool is a bool, Python's or numpy's.
type Bool bool

// Int is an int, Python's or numpy's, that fits.
type Int int64

// BigInt is an int that does not fit an Int.
type BigInt struct{ Value *big.Int }

// Float is a float, Python's or numpy's.
type Float float64

// Str is text.
type Str string

// Bytes is a bytes or bytearray object; it aliases the input.
type Bytes []byte

// List is a list.
type List struct{ Items []Node }

// Tuple is a tuple.
type Tuple struct{ Items []Node }

// Set is a set or frozenset, in the order of the file.
type Set struct{ Items []Node }

// Dict is a dict or OrderedDict, in the order of the file. A key may be there twice: the last one counts.
type Dict struct{ Entries []Entry }

// Entry is one item of a Dict.
type Entry struct{ Key, Value Node }

// Class is a reference to a class by its name.
type Class struct {
	Module, Name string
	effect       effect
}

// Object is an instance of a class: what it was constructed from, and the state that its __dict__ would have.
type Object struct {
	Class *Class
	Args  *Tuple
	// State is nil where the pickle sets none.
	State Node
}

func (None) node()    {}
func (Bool) node()    {}
func (Int) node()     {}
func (BigInt) node()  {}
func (Float) node()   {}
func (Str) node()     {}
func (Bytes) node()   {}
func (*List) node()   {}
func (*Tuple) node()  {}
func (*Set) node()    {}
func (*Dict) node()   {}
func (*Class) node()  {}
func (*Object) node() {}
func (*Array) node()  {}
func (*DType) node()  {}

// KindOf is what Python calls a node's type, for messages.
func KindOf(n Node) string {
	switch n := n.(type) {
	case None:
		return "None"
	case Bool:
		return "bool"
	case Int, BigInt:
		return "int"
	case Float:
		return "float"
	case Str:
		return "str"
	case Bytes:
		return "bytes"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Set:
		return "set"
	case *Dict:
		return "dict"
	case *Class:
		return "class " + n.String()
	case *Object:
		return n.Class.String()
	case *Array:
		return "array"
	case *DType:
		return "numpy.dtype"
	default:
		return "nothing"
	}
}

// String is module.name.
func (c *Class) String() string { return c.Module + "." + c.Name }

// Get returns the value under a string key.
func (d *Dict) Get(key string) (Node, bool) {
	for _, entry := range slices.Backward(d.Entries) {
		if name, ok := entry.Key.(Str); ok && string(name) == key {
			return entry.Value, true
		}
	}
	return nil, false
}

// Attributes is an object's state as a dict; an object without state has none.
func (o *Object) Attributes() (*Dict, error) {
	switch state := o.State.(type) {
	case nil:
		return &Dict{}, nil
	case *Dict:
		return state, nil
	default:
		return nil, fmt.Errorf("the state of %s is %s, not dict", o.Class, KindOf(o.State))
	}
}
