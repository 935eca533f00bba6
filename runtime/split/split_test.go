package split

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// table has a stable revision a (number 1) and a canary b (number 2) with the given weight.
func table(weight int32) *contract.TrafficTable {
	return &contract.TrafficTable{
		Model: "m", Salt: "salt",
		Revisions: []contract.RevisionTraffic{
			{Name: "a", Number: 1, Role: contract.RoleStable, Weight: 100 - weight, Address: "10.0.0.1:8501"},
			{Name: "b", Number: 2, Role: contract.RoleCanary, Weight: weight, Address: "10.0.0.2:8501"},
		},
	}
}

func TestDecide(t *testing.T) {
	alone := table(0)
	alone.Revisions = alone.Revisions[:1]
	noAddress := table(100)
	noAddress.Revisions[0].Address, noAddress.Revisions[1].Address = "", ""
	const low, high = 0.0, 0.999999
	tests := []struct {
		name   string
		table  *contract.TrafficTable
		self   string
		random float64
		want   string // revision that is asked, "" for nobody
	}{
		{"no table", nil, "a", low, ""},
		{"alone", alone, "a", low, ""},
		{"weight 0", table(0), "a", low, ""},
		{"stable's share", table(10), "a", 0.1, ""},
		{"stable's share, high", table(10), "a", high, ""},
		{"canary's share", table(10), "a", 0.0999999, "b"},
		{"weight 1", table(1), "a", 0.00999, "b"},
		{"weight 1, other share", table(1), "a", 0.01, ""},
		{"weight 100, low", table(100), "a", low, "b"},
		{"weight 100, high", table(100), "a", math.Nextafter(1, 0), "b"},
		{"a canary answers the canary's share", table(10), "b", low, ""},
		{"a canary answers the stable's share", table(10), "b", high, ""},
		{"a canary without weight answers too", table(0), "b", high, ""},
		{"replaced, canary's share", table(10), "old", low, "b"},
		{"replaced, stable's share", table(10), "old", high, "a"},
		{"replaced, no canary", alone, "old", low, "a"},
		{"replaced, weight 100", table(100), "old", high, "b"},
		{"no address", noAddress, "a", low, ""},
		{"replaced, no address", noAddress, "old", low, ""},
		{"empty table", &contract.TrafficTable{}, "a", low, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Decide(tt.table, tt.self, "", false, tt.random)
			if got.Revision.Name != tt.want || got.Local != (tt.want == "") {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
			if !got.Local && !Forwards(tt.table, tt.self) {
				t.Error("Forwards says that nothing is passed on")
			}
		})
	}
}

// A request with a key is decided by the key alone.
func TestDecideByKey(t *testing.T) {
	for i := range 1000 {
		key := fmt.Sprintf("user-%d", i)
		want := Hash("salt", key) < .3
		for _, random := range []float64{0, .5, .999} {
			if got := Decide(table(30), "a", key, true, random); got.Local == want {
				t.Fatalf("%s, random %v: got %+v, hash %v", key, random, got, Hash("salt", key))
			}
		}
	}
}

// Growing the weight only ever adds users, whatever the salt.
func TestDecideIsMonotone(t *testing.T) {
	for _, salt := range []string{"", "salt", "rollout-3"} {
		for i := range 10_000 {
			key, onCanary := fmt.Sprintf("user-%d", i), false
			for _, weight := range []int32{0, 1, 2, 5, 10, 20, 33, 50, 75, 99, 100} {
				tt := table(weight)
				tt.Salt = salt
				now := !Decide(tt, "a", key, true, 0).Local
				if onCanary && !now {
					t.Fatalf("salt %q: %s left the canary at weight %d", salt, key, weight)
				}
				onCanary = now
			}
			if !onCanary {
				t.Fatalf("salt %q: %s is not on the canary at weight 100", salt, key)
			}
		}
	}
}

// A replaced pod puts a user on the side that the stable's pods put them on.
func TestDecideIsTheSameInReplacedPods(t *testing.T) {
	for i := range 10_000 {
		key := fmt.Sprintf("user-%d", i)
		stable := Decide(table(20), "a", key, true, 0)
		replaced := Decide(table(20), "old", key, true, 0)
		if stable.Local != (replaced.Revision.Name == "a") || !stable.Local && replaced.Revision.Name != "b" {
			t.Fatalf("%s: stable %+v, replaced %+v", key, stable, replaced)
		}
	}
}

// The shares are the weights, within the interval in which 99.9 % of such experiments come out. Keys are as users have
// them: numbers one after another, names that differ in a digit, UUIDs.
func TestDecideShares(t *testing.T) {
	const n = 20_000
	rng := rand.New(rand.NewPCG(1, 2))
	uuids := make([]string, n)
	for i := range uuids {
		uuids[i] = fmt.Sprintf("%016x-%016x", rng.Uint64(), rng.Uint64())
	}
	for _, weight := range []int32{0, 1, 10, 50, 100} {
		for name, decide := range map[string]func(i int) Target{
			"numbers": func(i int) Target { return Decide(table(weight), "a", fmt.Sprint(i), true, 0) },
			"names":   func(i int) Target { return Decide(table(weight), "a", fmt.Sprintf("user-%07d@example", i), true, 0) },
			"uuids":   func(i int) Target { return Decide(table(weight), "a", uuids[i], true, 0) },
			"random":  func(int) Target { return Decide(table(weight), "a", "", false, rng.Float64()) },
		} {
			got := 0
			for i := range n {
				if !decide(i).Local {
					got++
				}
			}
			p := float64(weight) / 100
			const z = 3.2905 // of 99.9 %, two-sided
			if margin := z * math.Sqrt(n*p*(1-p)); math.Abs(float64(got)-n*p) > margin {
				t.Errorf("%s at weight %d: %d of %d, not %v ± %.0f", name, weight, got, n, n*p, margin)
			}
		}
	}
}

// Another rollout's salt tries the canary on other users.
func TestSaltsAreIndependent(t *testing.T) {
	const n = 20_000
	both := 0
	for i := range n {
		key := fmt.Sprintf("user-%d", i)
		if Hash("rollout-1", key) < .1 && Hash("rollout-2", key) < .1 {
			both++
		}
	}
	if margin := 3.2905 * math.Sqrt(n*.01*.99); math.Abs(float64(both)-n*.01) > margin {
		t.Errorf("%d of %d users are among the first 10 %% twice, not %v ± %.0f", both, n, n*.01, margin)
	}
}

// The mapping of keys is a contract between pods of all versions. The vectors come from another implementation.
func TestHashVectors(t *testing.T) {
	f, err := os.Open("testdata/hash.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, n := bufio.NewScanner(f), 0
	for ; lines.Scan(); n++ {
		var v struct {
			Salt, Key string
			U         float64
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if got := Hash(v.Salt, v.Key); got != v.U {
			t.Errorf("%q, %q: got %v, want %v", v.Salt, v.Key, got, v.U)
		}
	}
	if lines.Err() != nil || n < 10 {
		t.Errorf("%d vectors, %v", n, lines.Err())
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	tt := table(50)
	if n := testing.AllocsPerRun(100, func() { Decide(tt, "a", "user-1234567890", true, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestValidate(t *testing.T) {
	change := func(f func(*contract.TrafficTable)) *contract.TrafficTable {
		tt := table(10)
		f(tt)
		return tt
	}
	tests := map[string]struct {
		table *contract.TrafficTable
		want  string
	}{
		"good":             {table(10), ""},
		"stable alone":     {change(func(t *contract.TrafficTable) { t.Revisions = t.Revisions[:1]; t.Revisions[0].Weight = 100 }), ""},
		"IPv6":             {change(func(t *contract.TrafficTable) { t.Revisions[1].Address = "[fd00::1]:8501" }), ""},
		"other model":      {change(func(t *contract.TrafficTable) { t.Model = "x" }), `of model "x"`},
		"no revision":      {change(func(t *contract.TrafficTable) { t.Revisions = nil }), "0 stable"},
		"sum":              {change(func(t *contract.TrafficTable) { t.Revisions[1].Weight = 11 }), "sum to 101"},
		"negative":         {change(func(t *contract.TrafficTable) { t.Revisions[0].Weight = 101; t.Revisions[1].Weight = -1 }), "weight -1"},
		"two stable":       {change(func(t *contract.TrafficTable) { t.Revisions[1].Role = contract.RoleStable }), "2 stable"},
		"unknown role":     {change(func(t *contract.TrafficTable) { t.Revisions[1].Role = "x" }), `unknown role "x"`},
		"same name":        {change(func(t *contract.TrafficTable) { t.Revisions[1].Name = "a" }), "there twice"},
		"no name":          {change(func(t *contract.TrafficTable) { t.Revisions[1].Name = "" }), "is empty"},
		"no port":          {change(func(t *contract.TrafficTable) { t.Revisions[1].Address = "10.0.0.2" }), "missing port"},
		"no host":          {change(func(t *contract.TrafficTable) { t.Revisions[1].Address = ":8501" }), "not host:port"},
		"not a port":       {change(func(t *contract.TrafficTable) { t.Revisions[1].Address = "h:99999" }), "not host:port"},
		"two stickinesses": {change(func(t *contract.TrafficTable) { t.Stickiness = contract.Stickiness{Header: "h", Field: "f"} }), "both"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Validate(tt.table, "m")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	tt := table(10)
	for range b.N {
		Decide(tt, "a", "user-1234567890", true, 0)
	}
}
