package hash

import (
	"strings"
	"testing"
)

// The values are those of sklearn.utils.murmurhash3_32.
func TestMurmur3(t *testing.T) {
	for _, c := range []struct {
		text string
		seed uint32
		want int32
	}{
		{"", 0, 0}, {"foo", 0, -156908512}, {"foo", 42, -1322301282},
		{"ab", 0, -1681926305}, {"a", 7, -304251353}, {"abc", 0, -1277324294}, {"abcd", 0, 1139631978},
		{"人工智能", 0, 48664473}, {"a😀", 4294967295, 946205464}, {strings.Repeat("x", 101), 3, 1587484593},
	} {
		if got := Murmur3(c.text, c.seed); got != c.want {
			t.Errorf("%q with seed %d: got %d, want %d", c.text, c.seed, got, c.want)
		}
	}
}
