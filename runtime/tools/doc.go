// Package tools are the commands that look at an artifact, and predict with one, without a server: for the people who
// train models, and for their scripts. They use runtime/model as any program would.
package tools
