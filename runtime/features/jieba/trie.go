package jieba

import "unicode/utf8"

// trie is the dictionary: a prefix tree in level order. Node 0 is the root. The children of node i are the nodes
// first[i] up to first[i+1], sorted by label.
type trie struct {
	labels []uint16
	first  []uint32
	ranks  []uint16 // into weights; 0 is a prefix that is no word
	// weights holds log(frequency) − log(total) by rank; 0 is that of an unknown character, as of frequency 1.
	weights []float64
	// ascii and han are the root's children by character, 0 where there is none.
	ascii [utf8.RuneSelf]uint16
	han   [lastHan - firstHan + 1]uint16
}

// top returns the root's child for r.
func (t *trie) top(r uint16) uint32 {
	if r < utf8.RuneSelf {
		return uint32(t.ascii[r])
	}
	return uint32(t.han[r-firstHan])
}

// child returns the node's child with the label r, 0 if it has none.
func (t *trie) child(node uint32, r uint16) uint32 {
	lo, hi := t.first[node], t.first[node+1]
	for lo < hi {
		mid := (lo + hi) / 2
		switch label := t.labels[mid]; {
		case label == r:
			return mid
		case label < r:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0
}

// best chooses the first word of runes: the one whose weight and the score of what follows (scores[k] for what follows
// k+1 characters) have the highest sum, the longest where that is a tie. Without any word it is one character.
func (t *trie) best(runes []uint16, scores []float64) (width uint8, score float64) {
	for node, k := t.top(runes[0]), 0; node != 0; node = t.child(node, runes[k]) {
		if rank := t.ranks[node]; rank != 0 {
			if sum := t.weights[rank] + scores[k]; width == 0 || sum >= score {
				width, score = uint8(k+1), sum
			}
		}
		if k++; k == len(runes) {
			break
		}
	}
	if width == 0 {
		return 1, t.weights[0] + scores[0]
	}
	return width, score
}

// contains says whether runes, at least one, are a word.
func (t *trie) contains(runes []uint16) bool {
	node := t.top(runes[0])
	for _, r := range runes[1:] {
		if node == 0 {
			return false
		}
		node = t.child(node, r)
	}
	return t.ranks[node] != 0
}
