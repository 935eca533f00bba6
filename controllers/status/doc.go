// Package status says in words what is: it reads from pods why they do not come up, and turns that and a rollout's
// decision into a model's status. It does no I/O. Text from pods is hostile until it has been through clean.
package status
