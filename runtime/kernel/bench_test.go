package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/kernel"
)

func BenchmarkDense(b *testing.B) {
	for _, set := range kernel.Available() {
		for _, shape := range [][3]int{{1, 128, 64}, {1, 429, 256}, {1024, 28, 128}, {1024, 128, 64}, {1024, 38, 1}, {256, 429, 256}} {
			rows, in, out := shape[0], shape[1], shape[2]
			b.Run(fmt.Sprintf("%s/%d×%d×%d", set.Name, rows, in, out), func(b *testing.B) {
				random := rand.New(rand.NewPCG(1, 1))
				w := kernel.Pack(normal(random, in*out), in, out, false, normal(random, out))
				x, y := normal(random, rows*in), make([]float32, rows*out)
				for b.Loop() {
					set.Dense(y, out, x, in, rows, w, kernel.Relu)
				}
				b.ReportMetric(2*float64(rows*in*out)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
			})
		}
	}
}

func BenchmarkUnary(b *testing.B) {
	for _, set := range kernel.Available() {
		for _, f := range unary {
			b.Run(set.Name+"/"+f.name, func(b *testing.B) {
				x, y := normal(rand.New(rand.NewPCG(1, 1)), 1024), make([]float32, 1024)
				for b.Loop() {
					f.of(set)(y, x)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/element")
			})
		}
	}
}
