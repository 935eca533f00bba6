// Package docs holds the documentation to the code: its tests fail where a link leads nowhere, where a reason, an event
// or a metric is missing from docs/operations.md (or stands there and no longer exists), where a make target is named
// that the Makefile does not have, and where the worked example of docs/traffic.md does not come out.
package docs
