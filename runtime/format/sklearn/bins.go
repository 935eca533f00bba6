package sklearn

import (
	"fmt"
	"sort"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readBins reads a KBinsDiscretizer's edges, an array of arrays. Before 1.1 scikit-learn lifted values a little before it
// compared them.
func readBins(r *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("bin_edges_", columns)
	if err != nil {
		return nil, err
	}
	stage := &tabular.Bin{}
	switch encode := attributes.text("encode"); encode {
	case "onehot", "onehot-dense":
		stage.OneHot = true
	case "ordinal":
	default:
		return nil, unsupported(from.path+".encode", "is %.32q; supported are 'onehot', 'onehot-dense' and 'ordinal'", encode)
	}
	// A dtype asked for is what values are rounded to before they are compared.
	dtype, _ := attributes.Get("dtype")
	if class, ok := dtype.(*pickle.Class); !attributes.isNone("dtype") && (!ok || class.String() != "numpy.float64") {
		return nil, unsupported(from.path+".dtype", "is not None or float64")
	}
	strict, err := attributes.since(1)
	if err != nil {
		return nil, err
	}
	stage.Lenient = !strict
	if stage.Edges, err = r.edges(attributes, columns); err != nil {
		return nil, err
	}
	return stage, nil
}

// edges reads the borders between a KBinsDiscretizer's bins.
func (r *reader) edges(from fitted, columns int) ([][]float64, error) {
	path := from.path + ".bin_edges_"
	node, _ := from.Get("bin_edges_")
	array, ok := node.(*pickle.Array)
	if !ok || len(array.Objects) != columns || len(array.Shape) != 1 {
		return nil, broken(path, "is not an array of %d arrays", columns)
	}
	all := make([][]float64, columns)
	for i, object := range array.Objects {
		edgesPath := fmt.Sprintf("%s[%d]", path, i)
		edges, _, err := floats(object, edgesPath)
		if err != nil {
			return nil, err
		}
		if len(edges) < 2 {
			return nil, broken(edgesPath, "has %d edges; a bin has two", len(edges))
		}
		// The outermost edges only say what was seen in training; what lies beyond belongs to the outermost bins.
		edges = edges[1 : len(edges)-1]
		if err := checkFinite(edges, edgesPath); err != nil {
			return nil, err
		}
		if !sort.Float64sAreSorted(edges) {
			return nil, broken(edgesPath, "does not ascend")
		}
		if err := r.spend(edgesPath, len(edges)+1); err != nil {
			return nil, err
		}
		all[i] = edges
	}
	return all, nil
}
