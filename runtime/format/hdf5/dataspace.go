package hdf5

import (
	"math"
	"slices"
)

// maxRank is the format's own limit.
const maxRank = 32

// unlimited is the largest size of a dimension that may grow without end.
const unlimited = ^uint64(0)

// dataspace is a shape.
type dataspace struct {
	// null says that there are no elements at all, and no shape.
	null bool
	dims []int
	// limits are the sizes to which the dimensions may grow.
	limits []uint64
}

// readDataspace reads a dataspace message (specification IV.A.2.b).
func readDataspace(c *cursor) (dataspace, error) {
	var s dataspace
	version, rank, flags := c.uint8(), c.uint8(), c.uint8()
	switch version {
	case 1:
		c.take(5)
	case 2:
		s.null = c.uint8() == 2
	default:
		return s, fault(Unsupported, c.offset, "a dataspace of version %d", version)
	}
	if rank > maxRank {
		return s, fault(Malformed, c.offset, "a dataspace of %d dimensions", rank)
	}
	s.dims, s.limits = make([]int, rank), make([]uint64, rank)
	for i := range s.dims {
		size := c.length()
		if size > math.MaxInt64 {
			return s, fault(Malformed, c.offset, "a dimension of size %d", size)
		}
		s.dims[i], s.limits[i] = int(size), size
	}
	if flags&1 != 0 {
		for i := range s.limits {
			s.limits[i] = c.length()
			if s.limits[i] == unlimited>>(64-8*c.widths.length) {
				s.limits[i] = unlimited
			}
			if s.limits[i] < uint64(s.dims[i]) {
				return s, fault(Malformed, c.offset, "a dimension of size %d that grows to %d", s.dims[i], s.limits[i])
			}
		}
	}
	err := c.check("a dataspace")
	return s, err
}

// count is how many elements there are; false where that is more than the limit.
func (s dataspace) count(limit int) (int, bool) {
	if s.null {
		return 0, true
	}
	return product(s.dims, limit)
}

// product multiplies, and gives up above the limit.
func product(sizes []int, limit int) (int, bool) {
	if slices.Contains(sizes, 0) {
		return 0, true
	}
	total := 1
	for _, size := range sizes {
		if size < 0 || size > limit/total {
			return 0, false
		}
		total *= size
	}
	return total, total <= limit
}
