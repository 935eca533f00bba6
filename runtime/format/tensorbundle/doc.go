// Package tensorbundle reads the files in which TensorFlow keeps variables, NAME.index and NAME.data-00000-of-00001, from
// untrusted sources.
//
// The index is a sorted table in LevelDB's format: blocks of keys, each given by what it adds to the one before, and a
// block that names the blocks. A key is a variable's name, a value says the type, the shape, and where in which data file
// the numbers are. A variable that was kept in slices has an entry that lists the slices, and an entry for each.
//
// # Bounds
//
// Every block, and every tensor, must lie within its file, and its checksum must match. Blocks follow each other, so that
// none is read twice; keys must be in order, and with their values take IndexFactor bytes for each byte of the index at
// most. A tensor's size in the file must be that of its type and shape before anything is allocated for it, and it is read
// into the memory in which it stays.
package tensorbundle
