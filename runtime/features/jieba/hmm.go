package jieba

// The states of a character within a word, in the order of the data.
const (
	begin = iota
	middle
	end
	single
	states
)

// hmm is the hidden Markov model of unknown words; all values are log probabilities.
type hmm struct {
	start [states]float64
	trans [states][states]float64 // from, to
	rows  [][states]float64       // emissions; row 0 is that of a character never seen
	row   [lastHan - firstHan + 1]uint16
}

// before lists the two states that can stand before each. The second one is taken where both are equally probable: it
// is the one whose letter (B, E, M, S) comes later, by which Python breaks the tie.
var before = [states][2]uint8{
	begin:  {end, single},
	middle: {begin, middle},
	end:    {begin, middle},
	single: {end, single},
}

// tag sets out[i] to the state of run[i] in the most probable sequence that ends with a word (Viterbi). On the way
// there, bit s of out[i] says which of the two states before s was chosen.
func (h *hmm) tag(run []uint16, out []uint8) {
	emit := &h.rows[h.row[run[0]-firstHan]]
	var score [states]float64
	for s := range score {
		score[s] = h.start[s] + emit[s]
	}
	for i, r := range run[1:] {
		emit := &h.rows[h.row[r-firstHan]]
		var next [states]float64
		var choice uint8
		for s := range next {
			a, b := before[s][0], before[s][1]
			next[s] = score[a] + h.trans[a][s] + emit[s]
			if second := score[b] + h.trans[b][s] + emit[s]; second >= next[s] {
				next[s] = second
				choice |= 1 << s
			}
		}
		score = next
		out[i+1] = choice
	}
	state := uint8(end)
	if score[single] >= score[end] {
		state = single
	}
	for i := len(run) - 1; i >= 0; i-- {
		choice := out[i]
		out[i] = state
		state = before[state][choice>>state&1]
	}
}
