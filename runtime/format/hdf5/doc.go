// Package hdf5 reads HDF5 files, as Keras and h5py write them, from untrusted sources. FORMAT.md beside it says which
// part of the format that is, and where the specification has it.
//
// # Bounds
//
// Nothing is believed before it is compared with the file. Structures must lie within the file, and their checksums
// must match where they have one. All metadata that is read and kept counts against a meter: MetadataFactor bytes for
// each byte of the file and a constant, and Limits.MaxMetadata in all; so trees, heaps and headers that point at
// themselves or share their parts end in an error. Recursion follows levels that must fall, or is bounded by a constant.
//
// A dataset's elements lie in the file as they are, or count against Limits.MaxExpansion, before Dataset.Len returns
// what a caller may allocate. That holds for each dataset: where several share their storage, it is the caller's to add
// up what it reads.
//
// Links to other files are listed and never followed, and datasets with elements in other files are refused. A soft link
// is followed within the file. Groups may be shared; one that contains itself ends in an error when it is opened through
// itself.
package hdf5

// AllocationFactor is how many bytes of memory all metadata of a file takes at most, for each byte of the file and
// beside a constant of some megabytes.
const AllocationFactor = 64
