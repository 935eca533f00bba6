// Package split carries out the traffic table in a pod: it decides which revision a request belongs to, keeps the table
// current, and passes a request on to the revision that it belongs to.
//
// Decide and Hash are pure, and their mapping is a contract: every pod of every version must put the same user on the
// same side. I/O is in the Watcher (the table's file) and the Forwarder (the other revision).
package split

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Target is whose a request is.
type Target struct {
	// Local means that this pod answers it; Revision says otherwise whom to ask.
	Local    bool
	Revision contract.RevisionTraffic
}

var local = Target{Local: true}

// Decide says whose a request is, for a pod of revision self. The side is chosen by the key where there is one, and by
// random, a number in [0,1), where there is none.
//
// The canary's pods answer everything they get. So does everybody where there is no table. A pod whose revision is not
// in the table has been replaced and passes everything on.
func Decide(table *contract.TrafficTable, self, key string, hasKey bool, random float64) Target {
	if table == nil {
		return local
	}
	own, stable, canary := find(table, self)
	if own != nil && own.Role == contract.RoleCanary {
		return local
	}
	if canary != nil && canary.Weight > 0 {
		u := random
		if hasKey {
			u = Hash(table.Salt, key)
		}
		// A weight of 100 takes all, and growing it only ever adds: u does not depend on it.
		if u < float64(canary.Weight)/100 {
			return to(canary)
		}
	}
	if own != nil || stable == nil {
		return local
	}
	return to(stable)
}

// to is the target for a revision; where it has no address, the pod that holds the request is the better answer.
func to(r *contract.RevisionTraffic) Target {
	if r.Address == "" {
		return local
	}
	return Target{Revision: *r}
}

func find(table *contract.TrafficTable, self string) (own, stable, canary *contract.RevisionTraffic) {
	for i := range table.Revisions {
		r := &table.Revisions[i]
		if r.Name == self {
			own = r
		}
		switch r.Role {
		case contract.RoleStable:
			stable = r
		case contract.RoleCanary:
			canary = r
		}
	}
	return own, stable, canary
}

// Forwards says whether a pod of revision self may have to pass a request on at all; where not, nobody needs to look for
// a key.
func Forwards(table *contract.TrafficTable, self string) bool {
	if table == nil {
		return false
	}
	own, _, canary := find(table, self)
	switch {
	case own == nil:
		return true
	case own.Role == contract.RoleCanary:
		return false
	default:
		return canary != nil && canary.Weight > 0
	}
}

// Hash maps a key to [0,1): the first 53 bits of xxHash64 over the salt, a zero byte and the key, as a fraction.
func Hash(salt, key string) float64 {
	var buffer [128]byte
	b := append(buffer[:0], salt...)
	b = append(b, 0)
	b = append(b, key...)
	return float64(xxhash.Sum64(b)>>11) / (1 << 53)
}

// Validate says what makes a table unusable.
func Validate(table *contract.TrafficTable, model string) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if table.Model != model {
		fail("it is the table of model %q, not of %q", table.Model, model)
	}
	if table.Stickiness.Header != "" && table.Stickiness.Field != "" {
		fail("stickiness has both a header and a field")
	}
	roles := map[contract.Role]int{}
	names := map[string]bool{}
	sum := int64(0)
	for _, r := range table.Revisions {
		roles[r.Role]++
		sum += int64(r.Weight)
		if r.Name == "" || names[r.Name] {
			fail("revision name %q is empty or there twice", r.Name)
		}
		names[r.Name] = true
		if r.Role != contract.RoleStable && r.Role != contract.RoleCanary {
			fail("revision %s has the unknown role %q", r.Name, r.Role)
		}
		if r.Weight < 0 || r.Weight > 100 {
			fail("revision %s has the weight %d", r.Name, r.Weight)
		}
		if err := validAddress(r.Address); err != nil {
			fail("revision %s: %w", r.Name, err)
		}
	}
	if roles[contract.RoleStable] != 1 || roles[contract.RoleCanary] > 1 {
		fail("it has %d stable and %d canary revisions", roles[contract.RoleStable], roles[contract.RoleCanary])
	}
	if sum != 100 {
		fail("weights sum to %d, not 100", sum)
	}
	return errors.Join(errs...)
}

// validAddress takes host:port, and nothing where a revision is not to be reached.
func validAddress(address string) error {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return fmt.Errorf("address %q is not host:port", address)
	}
	return nil
}
