package kernel

import "fmt"

// UnavailableError says that the processor, or the binary, has no kernels of a name.
type UnavailableError struct {
	Name string
	// Available are the names that it has.
	Available []string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("no kernels %q here: there are %v", e.Name, e.Available)
}

// Available are the sets that this processor can run: Plain, and better and better ones.
func Available() []*Set { return append([]*Set{Plain()}, vector()...) }

// Best is the fastest set that this processor can run.
func Best() *Set {
	sets := Available()
	return sets[len(sets)-1]
}

// Choose returns the set of that name: plain, avx2 or avx512; Best's where the name is empty. The error is an
// *UnavailableError.
func Choose(name string) (*Set, error) {
	if name == "" {
		return Best(), nil
	}
	var names []string
	for _, set := range Available() {
		if set.Name == name {
			return set, nil
		}
		names = append(names, set.Name)
	}
	return nil, &UnavailableError{name, names}
}
