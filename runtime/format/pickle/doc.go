// Package pickle reads Python pickles as data. A pickle is a program for a small stack machine that may import and call
// anything; this reader has no way to call, only a closed list of names whose effect it knows (see globals.go), and
// turns those into plain nodes. Whatever else a pickle asks for ends the reading with an error that says what it was.
//
// # What is read
//
// Protocols 0 to 5, as CPython's pickle writes them, with the reductions of numpy (arrays, dtypes and scalars, in the
// spelling of numpy 1 and 2, in-band buffers of protocol 5) and of plain classes; and what joblib.dump makes of pickles,
// with the bytes of arrays between the opcodes. Which classes beside these are welcome is the caller's to say
// (Options.Classes).
//
// # Bounds
//
// The input is in memory, and but for text, nodes point into it. A length is compared with what is left, and an array's
// shape with the bytes that are there, before either is believed. Every value that is made, pushed or copied is counted,
// and there may be two for each byte of input, and Options.MaxValues in all. So all memory that is allocated, over the
// whole reading, is at most AllocationFactor bytes for each byte of input, and a constant of some hundred kilobytes.
//
// Nodes may be shared, but never contain themselves, and are nested at most Options.MaxDepth deep.
package pickle

// AllocationFactor is how many bytes a reading allocates at most for each byte of input. The worst input is one of
// nothing but empty containers, and small; real artifacts stay below 30.
const AllocationFactor = 512
