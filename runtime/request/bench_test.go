package request

import (
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// ctr is the signature of the CTR feature set.
var ctr = model.Signature{
	Fields: []model.Field{
		{Name: "query", Kind: model.String, Required: true},
		{Name: "doc_id", Kind: model.String},
		{Name: "position", Kind: model.Number, Required: true},
		{Name: "score", Kind: model.Number, Required: true},
		{Name: "summary", Kind: model.String, Required: true},
	},
	Features: 12,
}

const oneExample = `{"query":"artificial intelligence","doc_id":"test_doc_001","position":1,"score":0.8,` +
	`"summary":"AI technology introduction","user_id":"user-12345"}`

func BenchmarkDecode(b *testing.B) {
	d := NewDecoder(ctr, 1024)
	batch := `{"inputs":[` + strings.Repeat(oneExample+",", 99) + oneExample + `]}`
	for name, c := range map[string]struct {
		body  string
		shape Shape
	}{
		"single":   {`{"inputs":` + oneExample + `}`, Single},
		"features": {`{"inputs":{"features":[1,8,4,8,1,.1,.1,.5,1,3,0,.8]}}`, Single},
		"batch100": {batch, Batch},
	} {
		body := strings.ReplaceAll(c.body, ",.", ",0.")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			var r Request
			for range b.N {
				if err := d.Decode(body, c.shape, "user_id", &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
