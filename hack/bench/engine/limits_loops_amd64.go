//go:build amd64 && !purego

package main

import "github.com/ctr-operator/ctr-operator/runtime/kernel"

//go:generate go run -C ../../kernels ./limits -out ../bench/engine/limits_amd64.s -stubs ../bench/engine/limits_amd64.go -pkg main

func loops() limitLoops {
	const chains = 12
	switch kernel.Best().Name {
	case "avx512":
		return limitLoops{multiplyAVX512, readAVX512, 2 * 16 * chains}
	case "avx2":
		return limitLoops{multiplyAVX2, readAVX2, 2 * 8 * chains}
	}
	return limitLoops{}
}
