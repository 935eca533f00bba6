package harness

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// NewModel is a CTRModel of the artifact at url, read with the S3 server's credentials.
func NewModel(key client.ObjectKey, url string) *servingv1alpha1.CTRModel {
	return &servingv1alpha1.CTRModel{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
		Spec: servingv1alpha1.CTRModelSpec{
			ModelType:   servingv1alpha1.ModelLogisticRegression,
			ArtifactURL: url,
			Artifact:    &servingv1alpha1.Artifact{SecretRef: &servingv1alpha1.SecretReference{Name: S3Secret}},
		},
	}
}

// Change edits a model's spec as a user would, and returns the generation that this made.
func (h *Harness) Change(ctx context.Context, key client.ObjectKey, edit func(*servingv1alpha1.CTRModelSpec)) (int64, error) {
	m := &servingv1alpha1.CTRModel{}
	if err := h.Client.Get(ctx, key, m); err != nil {
		return 0, err
	}
	before := m.DeepCopy()
	edit(&m.Spec)
	if err := h.Client.Patch(ctx, m, client.MergeFrom(before), fieldOwner); err != nil {
		return 0, fmt.Errorf("changing CTRModel %s: %w", key, err)
	}
	return m.Generation, nil
}

// Model reads a model.
func (h *Harness) Model(ctx context.Context, key client.ObjectKey) (*servingv1alpha1.CTRModel, error) {
	m := &servingv1alpha1.CTRModel{}
	err := h.Client.Get(ctx, key, m)
	return m, err
}

// Want is something a model's status should come to say. It returns what is lacking, or "".
type Want func(*servingv1alpha1.CTRModel) string

// WaitModel waits until the operator has seen the model's newest generation and its status says all that is wanted.
func (h *Harness) WaitModel(ctx context.Context, key client.ObjectKey, goal string, wants ...Want) error {
	return WaitFor(ctx, h, key, &servingv1alpha1.CTRModelList{}, goal, func(m *servingv1alpha1.CTRModel) string {
		if m.Status.ObservedGeneration < m.Generation {
			return fmt.Sprintf("generation %d is not yet observed (%d is)", m.Generation, m.Status.ObservedGeneration)
		}
		for _, want := range wants {
			if missing := want(m); missing != "" {
				return missing
			}
		}
		return ""
	})
}

// Condition wants a condition to have a status and, unless it is empty, a reason.
func Condition(conditionType string, status metav1.ConditionStatus, reason string) Want {
	return func(m *servingv1alpha1.CTRModel) string {
		c := meta.FindStatusCondition(m.Status.Conditions, conditionType)
		switch {
		case c == nil:
			return "there is no condition " + conditionType
		case c.Status != status || reason != "" && c.Reason != reason || c.ObservedGeneration < m.Generation:
			return fmt.Sprintf("%s is %s (%s: %s), wanted is %s %s", conditionType, c.Status, c.Reason, c.Message, status, reason)
		}
		return ""
	}
}

// Ready wants the model to serve what its spec asks for.
func Ready() Want { return Condition("Ready", metav1.ConditionTrue, "") }

// Stable wants the stable revision to have a number.
func Stable(number int64) Want {
	return func(m *servingv1alpha1.CTRModel) string {
		if r := m.Status.StableRevision; r == nil || r.Number != number {
			return fmt.Sprintf("the stable revision is %s, wanted is %d", revisionName(r), number)
		}
		return ""
	}
}

// Canary wants a canary with a number, and its weight in the traffic.
func Canary(number int64, weight int32) Want {
	return func(m *servingv1alpha1.CTRModel) string {
		r, w := m.Status.CanaryRevision, m.Status.CanaryWeight
		if r == nil || r.Number != number {
			return fmt.Sprintf("the canary is %s, wanted is %d", revisionName(r), number)
		}
		if w == nil || *w != weight {
			return fmt.Sprintf("the canary's weight is %s, wanted is %d", optional(w), weight)
		}
		return ""
	}
}

// NoCanary wants that there is no canary any more.
func NoCanary() Want {
	return func(m *servingv1alpha1.CTRModel) string {
		if r := m.Status.CanaryRevision; r != nil {
			return fmt.Sprintf("the canary is still %s", revisionName(r))
		}
		return ""
	}
}

func revisionName(r *servingv1alpha1.RevisionReference) string {
	if r == nil {
		return "none"
	}
	return fmt.Sprintf("%d (%s)", r.Number, r.Name)
}

func optional(n *int32) string {
	if n == nil {
		return "unset"
	}
	return fmt.Sprint(*n)
}

// DeleteModel deletes a model and all that was made for it, and waits until it is gone.
func (h *Harness) DeleteModel(ctx context.Context, key client.ObjectKey) error {
	m := NewModel(key, "")
	err := h.Client.Delete(ctx, m, client.PropagationPolicy(metav1.DeletePropagationForeground))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return h.WaitGone(ctx, key, &servingv1alpha1.CTRModelList{})
}
