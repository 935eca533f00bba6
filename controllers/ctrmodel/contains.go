package ctrmodel

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// listKeys are the lists that are maps by another name, by the keys of their entries. In these, others may add entries of
// their own; all other lists belong to one writer as a whole.
var listKeys = map[string][]string{
	"containers":                {"name"},
	"env":                       {"name"},
	"imagePullSecrets":          {"name"},
	"ownerReferences":           {"uid"},
	"ports":                     {"containerPort", "port", "protocol"},
	"topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
	"volumeMounts":              {"mountPath"},
	"volumes":                   {"name"},
}

// wholeMaps are maps that belong to one writer as a whole: one more entry changes their meaning.
var wholeMaps = []string{"selector", "labelSelector", "nodeSelector"}

// contains says whether an object has all that is wanted. What defaults and other writers have added does not count.
func contains(have, want map[string]any) bool {
	for key, wanted := range want {
		if key == "apiVersion" || key == "kind" {
			continue // Typed objects from the cache have none.
		}
		if !containsValue(key, have[key], wanted) {
			return false
		}
	}
	return true
}

func containsValue(key string, have, want any) bool {
	if have == nil && isZero(want) {
		return true // The apiserver leaves out what is zero.
	}
	switch want := want.(type) {
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok || (slices.Contains(wholeMaps, key) && len(have) != len(want)) {
			return false
		}
		return contains(have, want)
	case []any:
		have, ok := have.([]any)
		return ok && containsList(key, have, want)
	default:
		return equality.Semantic.DeepEqual(have, want)
	}
}

func containsList(key string, have, want []any) bool {
	keys, keyed := listKeys[key]
	if !keyed {
		return len(have) == len(want) && allContained(have, want)
	}
	for _, wanted := range want {
		i := slices.IndexFunc(have, func(candidate any) bool { return sameEntry(candidate, wanted, keys) })
		if i < 0 || !containsValue("", have[i], wanted) {
			return false
		}
	}
	return true
}

func allContained(have, want []any) bool {
	for i := range want {
		if !containsValue("", have[i], want[i]) {
			return false
		}
	}
	return true
}

func sameEntry(a, b any, keys []string) bool {
	x, okX := a.(map[string]any)
	y, okY := b.(map[string]any)
	if !okX || !okY {
		return false
	}
	return !slices.ContainsFunc(keys, func(key string) bool { return !reflect.DeepEqual(x[key], y[key]) })
}

func isZero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return reflect.ValueOf(value).IsZero()
}

// isNil sees through the interface of a typed nil.
func isNil(object client.Object) bool {
	return object == nil || reflect.ValueOf(object).IsNil()
}
