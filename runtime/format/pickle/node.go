package pickle

import (
	"fmt"
	"math/big"
)

// Node is a value of the tree: one of the types of this file, or *Array and *DType.
type Node interface {
	// Kind is what Python calls the type, for messages.
	Kind() string
}

// The scalar nodes.
type (
	None  struct{}
	Bool  bool
	Int   int64
	Float float64
	Str   string
	// Bytes is a bytes or bytearray object; it aliases the input.
	Bytes []byte
	// BigInt is an int that does not fit an Int.
	BigInt struct{ Value *big.Int }
)

// The container nodes.
type (
	List  struct{ Items []Node }
	Tuple struct{ Items []Node }
	// Set is a set or frozenset, in the order of the file.
	Set struct{ Items []Node }
	// Dict keeps the order of the file. A key may be there twice: the last one counts.
	Dict struct{ Entries []Entry }
)

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
	// Offset is where in the input the object is made.
	Offset int
}

func (None) Kind() string      { return "None" }
func (Bool) Kind() string      { return "bool" }
func (Int) Kind() string       { return "int" }
func (Float) Kind() string     { return "float" }
func (Str) Kind() string       { return "str" }
func (Bytes) Kind() string     { return "bytes" }
func (BigInt) Kind() string    { return "int" }
func (*List) Kind() string     { return "list" }
func (*Tuple) Kind() string    { return "tuple" }
func (*Set) Kind() string      { return "set" }
func (*Dict) Kind() string     { return "dict" }
func (c *Class) Kind() string  { return "class " + c.String() }
func (o *Object) Kind() string { return o.Class.String() }

// String is module.name.
func (c *Class) String() string { return c.Module + "." + c.Name }

// Get returns the value under a string key.
func (d *Dict) Get(key string) (Node, bool) {
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if name, ok := d.Entries[i].Key.(Str); ok && string(name) == key {
			return d.Entries[i].Value, true
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
		return nil, fmt.Errorf("the state of %s is %s, not dict", o.Class, o.State.Kind())
	}
}
