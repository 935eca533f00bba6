package pickle

import (
	"fmt"
	"strconv"
	"strings"
)

// render writes a tree in a form that is the same for all protocols, and near to what Python prints.
func render(n Node) string {
	switch n := n.(type) {
	case None:
		return "None"
	case Bool:
		return map[Bool]string{true: "True", false: "False"}[n]
	case Int:
		return strconv.FormatInt(int64(n), 10)
	case BigInt:
		return n.Value.String()
	case Float:
		return strconv.FormatFloat(float64(n), 'g', -1, 64) + "f"
	case Str:
		return strconv.Quote(string(n))
	case Bytes:
		return "b" + strconv.Quote(string(n))
	case *List:
		return "[" + renderAll(n.Items) + "]"
	case *Tuple:
		return "(" + renderAll(n.Items) + ")"
	case *Set:
		return "{" + renderAll(n.Items) + "}"
	case *Dict:
		var entries []string
		for _, entry := range n.Entries {
			entries = append(entries, render(entry.Key)+": "+render(entry.Value))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case *Object:
		return n.Class.Name + render(n.Args)
	case *DType:
		return "dtype " + n.String()
	case *Array:
		return renderArray(n)
	default:
		return fmt.Sprintf("%T", n)
	}
}

func renderAll(nodes []Node) string {
	var all []string
	for _, n := range nodes {
		all = append(all, render(n))
	}
	return strings.Join(all, ", ")
}

func renderArray(a *Array) string {
	var elements any
	var err error
	switch a.DType.Code {
	case 'O':
		elements = renderAll(a.Objects)
	case 'U':
		elements, err = a.Strings()
	default:
		elements, err = a.Float64s()
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("array(%s, %v, %v)", a.DType, a.Shape, elements)
}
