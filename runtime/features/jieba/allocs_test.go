//go:build !race

package jieba

import "testing"

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.

func TestAppendSpansAllocatesNothing(t *testing.T) {
	tok := load(t)
	text := "他来到了网易杭研大厦 deep learning 3.5%，乒乓球拍卖完了"
	spans := tok.AppendSpans(nil, text)
	if n := testing.AllocsPerRun(100, func() { spans = tok.AppendSpans(spans[:0], text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
