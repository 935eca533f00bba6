package hash

import "math/bits"

// The constants of FarmHash: primes between 2^63 and 2^64.
const (
	k0 = 0xc3a5c85c97cb3127
	k1 = 0xb492b66fbe98f273
	k2 = 0x9ae16a3b2f90404f
)

// Fingerprint64 is FarmHash's Fingerprint64 of the bytes of s.
func Fingerprint64(s string) uint64 {
	n := uint64(len(s))
	switch {
	case n <= 16:
		return farmTo16(s, n)
	case n <= 32:
		return farmTo32(s, n)
	case n <= 64:
		return farmTo64(s, n)
	}
	return farmLong(s)
}

// FingerprintCat64 joins the fingerprints of two texts to one, which depends on their order.
func FingerprintCat64(a, b uint64) uint64 {
	const mul = 0xc6a4a7935bd1e995
	r := a ^ mul
	r ^= shiftMix(b*mul) * mul
	r *= mul
	return shiftMix(shiftMix(r) * mul)
}

func shiftMix(v uint64) uint64 { return v ^ v>>47 }

// rotate turns v to the right, as FarmHash counts.
func rotate(v uint64, by int) uint64 { return bits.RotateLeft64(v, -by) }

// fetch64 is the little-endian number at s[at:at+8]; the compiler makes one load of it.
func fetch64(s string, at int) uint64 {
	s = s[at : at+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func fetch32(s string, at int) uint64 {
	s = s[at : at+4]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

func hash16(u, v, mul uint64) uint64 {
	a := shiftMix((u ^ v) * mul)
	b := shiftMix((v ^ a) * mul)
	return b * mul
}

func farmTo16(s string, n uint64) uint64 {
	switch {
	case n >= 8:
		mul := k2 + n*2
		a := fetch64(s, 0) + k2
		b := fetch64(s, len(s)-8)
		c := rotate(b, 37)*mul + a
		d := (rotate(a, 25) + b) * mul
		return hash16(c, d, mul)
	case n >= 4:
		mul := k2 + n*2
		return hash16(n+fetch32(s, 0)<<3, fetch32(s, len(s)-4), mul)
	case n > 0:
		y := uint64(s[0]) + uint64(s[n>>1])<<8
		z := n + uint64(s[n-1])<<2
		return shiftMix(y*k2^z*k0) * k2
	}
	return k2
}

func farmTo32(s string, n uint64) uint64 {
	mul := k2 + n*2
	a := fetch64(s, 0) * k1
	b := fetch64(s, 8)
	c := fetch64(s, len(s)-8) * mul
	d := fetch64(s, len(s)-16) * k2
	return hash16(rotate(a+b, 43)+rotate(c, 30)+d, a+rotate(b+k2, 18)+c, mul)
}

func farmTo64(s string, n uint64) uint64 {
	mul := k2 + n*2
	a := fetch64(s, 0) * k2
	b := fetch64(s, 8)
	c := fetch64(s, len(s)-8) * mul
	d := fetch64(s, len(s)-16) * k2
	y := rotate(a+b, 43) + rotate(c, 30) + d
	z := hash16(y, a+rotate(b+k2, 18)+c, mul)
	e := fetch64(s, 16) * mul
	f := fetch64(s, 24)
	g := (y + fetch64(s, len(s)-32)) * mul
	h := (z + fetch64(s, len(s)-24)) * mul
	return hash16(rotate(e+f, 43)+rotate(g, 30)+h, e+rotate(f+a, 18)+g, mul)
}

// pair is 16 bytes of FarmHash's state.
type pair struct{ a, b uint64 }

// weak hashes the 32 bytes at s[at:] into a pair.
func weak(s string, at int, a, b uint64) pair {
	z := fetch64(s, at+24)
	a += fetch64(s, at)
	b = rotate(b+a+z, 21)
	c := a
	a += fetch64(s, at+8)
	a += fetch64(s, at+16)
	b += rotate(a, 44)
	return pair{a + z, b + c}
}

// farmState is the 56 bytes of state of a text longer than 64 bytes.
type farmState struct {
	x, y, z uint64
	v, w    pair
}

// block mixes in the 64 bytes at s[at:]. Of the last block, mul differs, and some parts count nine times.
func (f *farmState) block(s string, at int, mul, times uint64) {
	f.x = rotate(f.x+f.y+f.v.a+fetch64(s, at+8), 37) * mul
	f.y = rotate(f.y+f.v.b+fetch64(s, at+48), 42) * mul
	f.x ^= f.w.b * times
	f.y += f.v.a*times + fetch64(s, at+40)
	f.z = rotate(f.z+f.w.a, 33) * mul
	f.v = weak(s, at, f.v.b*mul, f.x+f.w.a)
	f.w = weak(s, at+32, f.z+f.w.b, f.y+fetch64(s, at+16))
	f.z, f.x = f.x, f.z
}

func farmLong(s string) uint64 {
	const seed = 81
	y := uint64(seed)
	y = y*k1 + 113
	f := farmState{x: seed*k2&(1<<64-1) + fetch64(s, 0), y: y, z: shiftMix(y*k2+113) * k2}
	blocks := (len(s) - 1) / 64
	for i := range blocks {
		f.block(s, i*64, k1, 1)
	}
	mul := k1 + f.z&0xff<<1
	f.w.a += uint64(len(s)-1) & 63
	f.v.a += f.w.a
	f.w.a += f.v.a
	f.block(s, len(s)-64, mul, 9)
	return hash16(hash16(f.v.a, f.w.a, mul)+shiftMix(f.y)*k0+f.z, hash16(f.v.b, f.w.b, mul)+f.x, mul)
}
