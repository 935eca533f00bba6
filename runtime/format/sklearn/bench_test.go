package sklearn_test

import "testing"

// What a prediction takes once categories are looked up.
func BenchmarkColumns(b *testing.B) {
	files := columnFiles(b)
	inputs := lines(content(b, inputsFile))
	for _, name := range []string{"onehot", "softmax", "ordinal", "target", "imputed", "onehot-crosses", "calibrated-whole"} {
		stem := "1.9.1/" + name
		b.Run(name, func(b *testing.B) {
			model := read(b, files[stem+".pkl"])
			row := cells(b, inputs[0], decoded[about](b, lines(files[stem+".jsonl"])[0]).Columns)
			out := make([]float64, model.Outputs())
			b.ReportAllocs()
			for b.Loop() {
				if err := model.PredictCells(row, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
