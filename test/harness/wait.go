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
		done, err := h.watchOnce(ctx, key, list, func(o client.Object) bool {
			last = absent
			if object, ok := o.(P); ok {
				last = missing(object)
			}
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
func (h *Harness) watchOnce(ctx context.Context, key client.ObjectKey, list client.ObjectList,
	done func(client.Object) bool,
) (bool, error) {
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
	var first client.Object
	if len(items) > 0 {
		first, _ = items[0].(client.Object)
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
			object, _ := event.Object.(client.Object)
			if event.Type == watch.Deleted {
				object = nil
			}
			if done(object) {
				return true, nil
			}
		}
	}
}

// WaitGone waits until an object does not exist any more.
func (h *Harness) WaitGone(ctx context.Context, key client.ObjectKey, list client.ObjectList) error {
	for {
		gone, err := h.watchOnce(ctx, key, list, func(o client.Object) bool { return o == nil })
		if gone || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for %s to be gone: %w\n%s", key, context.Cause(ctx), h.Dump(context.WithoutCancel(ctx), key.Namespace))
		}
	}
}
