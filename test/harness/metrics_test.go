package harness

import "testing"

func TestSum(t *testing.T) {
	m, err := ParseMetrics([]byte(`# TYPE f counter
f{revision="2",reason="timeout"} 3
f{revision="2",reason="status"} 4
f{revision="1",reason="status"} 8
# TYPE t gauge
t{hash="a"} 1
t{hash="b"} 0
`))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		labels map[string]string
		want   float64
	}{
		{"f", nil, 15},
		{"f", map[string]string{"revision": "2"}, 7},
		{"f", map[string]string{"revision": "2", "reason": "timeout"}, 3},
		{"f", map[string]string{"revision": "3"}, 0},
		{"t", map[string]string{"hash": "a"}, 1},
		{"t", map[string]string{"hash": "b"}, 0},
		{"g", nil, 0},
	}
	for _, c := range cases {
		if got := m.Sum(c.name, c.labels); got != c.want {
			t.Errorf("%s%v is %v, not %v", c.name, c.labels, got, c.want)
		}
	}
	if _, err := ParseMetrics([]byte("f{")); err == nil {
		t.Error("half a line was accepted")
	}
}
