//go:build !race

package onnx

import "testing"

// Nothing is allocated in the steady state.
func TestAllocations(t *testing.T) {
	all := answers(t)
	for _, name := range []string{"sklearn-lr-opset9", "sklearn-columns", "sklearn-histogram-classes", "torch-dcn-dynamo-opset20", "keras-deepfm"} {
		program := opened(t, name, nil)
		run := program.Acquire()
		for i, input := range program.Inputs() {
			_, value := tensorFile(t, all[name], "inputs/"+input.Name+".pb")
			run.Input(i).Copy(part(value, 0, 3))
		}
		if allocations := testing.AllocsPerRun(20, func() {
			if err := run.Do(); err != nil {
				t.Fatal(err)
			}
		}); allocations > 0 {
			t.Errorf("%s: %v allocations in a run", name, allocations)
		}
		run.Release()
	}
}
