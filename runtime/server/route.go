package server

import (
	"net/http"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/request"
)

// route is what a path addresses.
type route struct {
	endpoint metrics.Endpoint
	// model is the model's name in the path, empty where the path has none.
	model string
}

var (
	allowGet  = []string{"GET, HEAD"}
	allowPost = []string{"POST"}
)

func (t route) allow() []string {
	if t.shapeless() {
		return allowGet
	}
	return allowPost
}

func (t route) allows(method string) bool {
	if t.shapeless() {
		return method == http.MethodGet || method == http.MethodHead
	}
	return method == http.MethodPost
}

func (t route) shapeless() bool {
	return t.endpoint != metrics.Predict && t.endpoint != metrics.BatchPredict
}

func (t route) shape() request.Shape {
	if t.endpoint == metrics.BatchPredict {
		return request.Batch
	}
	return request.Single
}

// parseRoute reads a path. Its fixed parts are case-insensitive, as TensorFlow Serving's are; the model's name is not.
func parseRoute(path string) route {
	const prefix = "/v1/models"
	if len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix) {
		return parseModelRoute(path[len(prefix):])
	}
	if strings.EqualFold(path, "/health") {
		return route{endpoint: metrics.Health}
	}
	return route{endpoint: metrics.Other}
}

// parseModelRoute reads what comes after /v1/models: nothing, or /M:verb, or /M/verb.
func parseModelRoute(rest string) route {
	if rest == "" {
		return route{endpoint: metrics.Models}
	}
	name, verb, found := cutAny(rest[1:])
	if rest[0] != '/' || !found || name == "" {
		return route{endpoint: metrics.Other}
	}
	switch {
	case strings.EqualFold(verb, "predict"):
		return route{metrics.Predict, name}
	case strings.EqualFold(verb, "batch_predict"):
		return route{metrics.BatchPredict, name}
	default:
		return route{endpoint: metrics.Other}
	}
}

// cutAny cuts at the first slash or colon.
func cutAny(s string) (before, after string, found bool) {
	if i := strings.IndexAny(s, "/:"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
