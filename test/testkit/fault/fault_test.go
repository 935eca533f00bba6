package fault

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSwitch(t *testing.T) {
	exited := make(chan int, 1)
	s := &Switch{Exit: func(code int) { exited <- code }}
	served := httptest.NewServer(s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})))
	defer served.Close()
	control := httptest.NewServer(s.Control())
	defer control.Close()

	set := func(mode string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, control.URL, strings.NewReader(mode))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	ask := func(timeout time.Duration) (int, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, served.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		return resp.StatusCode, nil
	}

	if got, err := ask(time.Minute); err != nil || got != http.StatusNoContent {
		t.Errorf("an untouched switch: status %d, %v", got, err)
	}
	if set("500"); s.Mode() != Error {
		t.Errorf("the mode is %q after 500 was asked for", s.Mode())
	}
	if got, err := ask(time.Minute); err != nil || got != http.StatusInternalServerError {
		t.Errorf("mode 500: status %d, %v", got, err)
	}
	if got := set("sulk"); got != http.StatusBadRequest || s.Mode() != Error {
		t.Errorf("an unknown mode was answered %d and left the switch at %q", got, s.Mode())
	}
	set("hang")
	if got, err := ask(50 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("mode hang: status %d, %v", got, err)
	}
	set("crash")
	if _, err := ask(time.Minute); err != nil {
		t.Errorf("mode crash with a harmless exit: %v", err)
	}
	if code := <-exited; code != 137 {
		t.Errorf("exit code %d", code)
	}
	set("none\n")
	if got, err := ask(time.Minute); err != nil || got != http.StatusNoContent {
		t.Errorf("mode none: status %d, %v", got, err)
	}
}
