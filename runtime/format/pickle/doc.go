// Package pickle reads Python pickles as data. A pickle is a program for a small stack machine that may import and call
// anything; this reader has no way to call, only a closed list of names whose effect it knows (see globals.go), and
// turns those into plain nodes. Whatever else a pickle asks for ends the reading with an error that says what it was.
//
// # What is read
//
// Protocols 0 to 5, as CPython's pickle writes them, with the reductions of numpy (arrays, dtypes and scalars, in the
// spelling of numpy 1 and 2, in-band buffers of protocol 5) and of plain classes. Which classes beside these are
// welcome is the caller's to say (Options.Classes).
//
// # Bounds
//
// The input is in memory, and strings apart, nodes point into it. Every opcode that makes or pushes a value is counted
// against Options.MaxValues, and what is allocated is at most 256 bytes for each of them and 4 bytes for each byte of
// input, whatever the input claims: a length is compared with what is left, and an array's shape with the bytes
// that are there, before either is believed. Nodes may be shared, and are then counted once, but never contain
// themselves, and are nested at most Options.MaxDepth deep.
package pickle
