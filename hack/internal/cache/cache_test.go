package cache

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/xdg")
	t.Setenv("CTR_OPERATOR_CACHE", "")
	if dir, err := Dir(); err != nil || dir != "/xdg/ctr-operator" {
		t.Errorf("%s, %v", dir, err)
	}
	t.Setenv("CTR_OPERATOR_CACHE", "/elsewhere")
	if dir, err := Dir(); err != nil || dir != "/elsewhere" {
		t.Errorf("%s, %v", dir, err)
	}
}

func TestLockWaitsForTheOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "lock")
	first, err := Lock(t.Context(), path, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("a held lock was given: %v", err)
	}

	// The holder lets go once it knows that somebody waits.
	second, err := Lock(t.Context(), path, first)
	if err != nil {
		t.Fatal(err)
	}
	second()
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	third, err := Lock(ctx, path, func() {})
	if err != nil {
		t.Fatalf("a released lock is held: %v", err)
	}
	third()
}
