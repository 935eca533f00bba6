package sklearn

import "testing"

// BenchmarkPipeline is a ColumnTransformer of a TfidfVectorizer, a HashingVectorizer, a OneHotEncoder and a StandardScaler
// before a LogisticRegression, as it comes: texts of all kinds, most of them not ASCII.
func BenchmarkPipeline(b *testing.B) {
	model := readFile(b, textData+"sklearn/1.9.1/columns.joblib")
	rows, out := textInputs(b)["columns"], []float64{0}
	rows = append(rows[:3:3], rows[8:]...) // two are refused
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := model.PredictCells(rows[i%len(rows)], out); err != nil {
			b.Fatal(err)
		}
	}
}
