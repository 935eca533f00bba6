// Package hash has the hash functions by which frameworks turn text into bucket numbers. Each must give the very bits of
// the framework that trained the model: another hash would look up another row of an embedding, and nothing would say so.
//
//   - Fingerprint64: TensorFlow's StringToHashBucketFast and Keras's Hashing without a salt. It is FarmHash's
//     (farmhashna::Hash64), and frozen by its authors.
//   - FingerprintCat64: how TensorFlow joins fingerprints, in crossed features and Keras's HashedCrossing.
//   - Strong: TensorFlow's StringToHashBucketStrong and Keras's Hashing with a salt. It is SipHash-2-4.
//   - Python: what Python's hash() gives for a str where PYTHONHASHSEED=0. It is SipHash-1-3.
//
// None of them allocates.
package hash
