package harness

import (
	"context"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// absent is what is missing while the object itself is.
const absent = "it does not exist"

// WaitFor watches one object until missing, which says what it still lacks, returns "". list is an empty list of the
// object's kind. When ctx ends first the error tells what was lacking last, and what the namespace looks like.
func WaitFor[T any, P interface {
	*T
	client.Object
}](ctx context.Context, h *Harness, key client.ObjectKey, list client.ObjectList, goal string, missing func(P) string) error {
	last := absent
	kind := reflect.TypeFor[T]().Name()
	for {
		done, err := watchOnce(ctx, h, key, list, func(o P) bool {
			if o == nil {
				last = absent
				return false
			}
			last = missing(o)
			return last == ""
		})
		if done {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for %s %s, %s: %w; last seen: %s\n%s", kind, key, goal, context.Cause(ctx), last,
				h.Dump(context.WithoutCancel(ctx), key.Namespace))
		}
		if err != nil {
			return fmt.Errorf("waiting for %s %s, %s: %w", kind, key, goal, err)
		}
	}
}

// watchOnce lists and then watches until done says so, or the watch or ctx ends. done is given nil while there is no
// object.
func watchOnce[T any, P interface {
	*T
	client.Object
}](ctx context.Context, h *Harness, key client.ObjectKey, list client.ObjectList, done func(P) bool) (bool, error) {
	only := &client.ListOptions{
		Namespace: key.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", key.Name),
	}
	if err := h.Client.List(ctx, list, only); err != nil {
		return false, err
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return false, err
	}
	var first P
	if len(items) > 0 {
		first, _ = items[0].(P)
	}
	if done(first) {
		return true, nil
	}
	only.Raw = &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}
	watcher, err := h.Client.Watch(ctx, list, only)
	if err != nil {
		return false, err
	}
	defer watcher.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case event, open := <-watcher.ResultChan():
			if !open || event.Type == watch.Error {
				return false, nil // watches are ended now and then; the caller begins anew
			}
			object, _ := event.Object.(P)
			if event.Type == watch.Deleted {
				object = nil
			}
			if done(object) {
				return true, nil
			}
		}
	}
}
