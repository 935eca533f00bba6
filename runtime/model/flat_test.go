//go:build linux && !race

package model_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/model"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// flatVariable is how many predictions TestMemoryIsFlat makes; `make bench-engine` asks for ten million.
const flatVariable = "CTR_FLAT_PREDICTIONS"

// resident is how many bytes of memory the process occupies.
func resident(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(string(bytes.Fields(statm)[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// Predicting does not make a process grow, however often it is done: what a prediction needs is used again, by each kind of
// model, one by one and in batches of any size.
func TestMemoryIsFlat(t *testing.T) {
	predictions := 400_000
	if text := os.Getenv(flatVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		predictions = n
	}
	vector := model.Row{Features: []float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8}}
	fields := *ctrRow("深度学习 入门", 3, .8, "本文介绍人工智能、机器学习与深度学习的基本概念")
	network := *ctrRow("深度学习 入门", 3, .8, "本文介绍人工智能、机器学习与深度学习的基本概念")
	network.Values[1] = model.Value{Set: true, Str: "doc_1"}
	network.Values = append(network.Values, model.Value{})
	for _, c := range []struct {
		name, artifact string
		row            model.Row
		share          int
	}{
		{"vector", "sklearn/1.9.1/parts-scaler.pkl", vector, 4},
		{"fields", "demo/v1", fields, 4},
		{"network", "widedeep-bundle", network, 2},
	} {
		m, err := model.Open(t.Context(), fixtures.Path(t, c.artifact), model.Options{Tokenizer: tokenizer})
		if err != nil {
			t.Fatal(err)
		}
		rows, out := make([]model.Row, 1000), make([]float64, 1000)
		for i := range rows {
			rows[i] = c.row
		}
		count, want := 0, predictions/c.share
		until := func(end int) {
			for size := 1; count < end; size = (size*7 + 1) % len(rows) {
				if err := m.PredictBatch(rows[:size], out[:size]); err != nil {
					t.Fatal(err)
				}
				for range size {
					if _, err := m.Predict(&c.row); err != nil {
						t.Fatal(err)
					}
				}
				count += 2 * size
			}
		}
		until(want / 5)
		runtime.GC()
		before, begin := resident(t), time.Now()
		until(want)
		runtime.GC()
		after := resident(t)
		t.Logf("%-8s %8d predictions: %.1f MiB after a fifth of them, %+.1f MiB at the end; %v each", c.name, count,
			mib(before), mib(after-before), time.Since(begin)/time.Duration(count-want/5))
		if grown := after - before; grown > 8<<20 {
			t.Errorf("%s: %d predictions grow the process by %s", c.name, count, fmt.Sprintf("%.1f MiB", mib(grown)))
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
