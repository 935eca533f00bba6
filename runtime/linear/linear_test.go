package linear_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/linear"
)

// decide makes a model whose decision is its only feature.
func decide(factor float64) *linear.Model {
	return linear.New([]float64{1}, 0, nil, nil, factor)
}

func TestSigmoid(t *testing.T) {
	for z, expected := range map[float64]float64{
		0:             0.5,
		1:             0.731058578630004879251159465,
		-1:            0.268941421369995120748840535,
		37:            0.9999999999999999147,
		-37:           8.533047625744065066149e-17,
		-700:          9.859676543759770e-305,
		710:           1,
		-1000:         0,
		1.7e308:       1,
		-1.7e308:      0,
		5e-324:        0.5,
		math.Ln2:      2. / 3,
		-math.Ln2:     1. / 3,
		math.Log(999): 0.999,
	} {
		got, err := decide(1).Predict([]float64{z})
		if err != nil || math.Abs(got-expected) > 2e-16*math.Max(1, math.Abs(z))*expected {
			t.Errorf("sigmoid(%v) = %v, %v; expected %v", z, got, err, expected)
		}
		// The softmax of (−z, z) is the sigmoid of 2z.
		double, err := decide(2).Predict([]float64{z / 2})
		if err != nil || double != got {
			t.Errorf("twice %v gives %v, %v; expected %v", z/2, double, err, got)
		}
	}
}

// The decision agrees with arithmetic of 200 bits.
func TestPredictAgainstBigFloats(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	draw := func(n int) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = random.NormFloat64()
		}
		return values
	}
	for range 200 {
		n := 1 + random.IntN(40)
		coef, mean, scale, features := draw(n), draw(n), draw(n), draw(n)
		for i := range scale {
			scale[i] = 0.5 + math.Abs(scale[i])
		}
		got, err := linear.New(coef, 0.3, mean, scale, 1).Predict(features)
		if err != nil {
			t.Fatal(err)
		}
		sum := exact(0.3)
		for i := range coef {
			term := new(big.Float).Quo(exact(0).Sub(exact(features[i]), exact(mean[i])), exact(scale[i]))
			sum.Add(sum, term.Mul(term, exact(coef[i])))
		}
		z, _ := sum.Float64()
		if want := 1 / (1 + math.Exp(-z)); math.Abs(got-want) > 1e-13 {
			t.Errorf("%d features: got %v, expected %v", n, got, want)
		}
	}
}

func exact(v float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(v) }

func TestPredictRefuses(t *testing.T) {
	m := linear.New([]float64{1, 0, -1}, 0, []float64{-1e307, 0, 0}, []float64{0.5, 1, 1}, 1)
	huge := linear.New([]float64{10, 10}, 0, nil, nil, 1)
	for name, test := range map[string]struct {
		model    *linear.Model
		features []float64
		index    int
	}{
		"NaN":                            {m, []float64{0, 0, math.NaN()}, 2},
		"NaN under a coefficient of 0":   {m, []float64{0, math.NaN(), 0}, 1},
		"infinite":                       {m, []float64{0, 0, math.Inf(1)}, 2},
		"infinite under a coefficient 0": {m, []float64{0, math.Inf(-1), 0}, 1},
		"infinite once standardised":     {m, []float64{1.7e308, 0, 0}, 0},
		"infinities of both signs":       {huge, []float64{1e308, -1.1e308}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := test.model.Predict(test.features)
			var feature *linear.FeatureError
			if !errors.As(err, &feature) || feature.Index != test.index {
				t.Errorf("got %v, %v; expected an error about feature %d", p, err, test.index)
			}
		})
	}
}

func TestNewPanicsOnUnequalLengths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("there is no panic")
		}
	}()
	linear.New([]float64{1, 2}, 0, []float64{1}, nil, 1)
}
