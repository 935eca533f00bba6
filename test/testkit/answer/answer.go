// Package answer is what `testkit http` prints and test/harness reads. It touches nothing.
package answer

import "net/http"

// Answer is an HTTP answer as JSON.
type Answer struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}
