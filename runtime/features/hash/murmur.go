package hash

import "math/bits"

// Murmur3 is MurmurHash3_x86_32, signed. scikit-learn's FeatureHasher and HashingVectorizer have it of UTF-8, with seed 0.
func Murmur3[Text string | []byte](text Text, seed uint32) int32 {
	const m1, m2 = 0xcc9e2d51, 0x1b873593
	h, at := seed, 0
	for ; at+4 <= len(text); at += 4 {
		k := uint32(text[at]) | uint32(text[at+1])<<8 | uint32(text[at+2])<<16 | uint32(text[at+3])<<24
		h ^= bits.RotateLeft32(k*m1, 15) * m2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	k := uint32(0)
	for shift := 0; at < len(text); at, shift = at+1, shift+8 {
		k |= uint32(text[at]) << shift
	}
	h ^= bits.RotateLeft32(k*m1, 15) * m2
	h ^= uint32(len(text))
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return int32(h ^ h>>16)
}
