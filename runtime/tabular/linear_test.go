package tabular_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// regression is a model of a scaler and a linear decision.
func regression(coef []float64, intercept float64, center, scale []float64, link tabular.Link) *tabular.Model {
	return tabular.New(tabular.Dense, columns(len(coef)),
		numeric(&tabular.Standardise{Columns: len(coef), Center: center, Scale: scale}),
		&tabular.Regression{Linear: linear(coef, intercept), Link: link})
}

func columns(count int) []tabular.Column { return make([]tabular.Column, count) }

// numeric is stages of Dense rows.
func numeric(stages ...tabular.Stage) tabular.Transform {
	var steps []tabular.Transform
	for _, stage := range stages {
		steps = append(steps, tabular.Numeric(stage, tabular.Dense, nil))
	}
	return tabular.Series(steps...)
}

func linear(coef []float64, intercept float64) tabular.Linear {
	return tabular.Linear{Coef: coef, Intercept: []float64{intercept}}
}

// decide makes a model whose decision is its only feature.
func decide(link tabular.Link) *tabular.Model {
	return tabular.New(tabular.Dense, columns(1), nil, &tabular.Regression{Linear: linear([]float64{1}, 0), Link: link})
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
		got, err := decide(tabular.Sigmoid).Predict([]float64{z})
		if err != nil || math.Abs(got-expected) > 2e-16*math.Max(1, math.Abs(z))*expected {
			t.Errorf("sigmoid(%v) = %v, %v; expected %v", z, got, err, expected)
		}
		// The softmax of (−z, z) is the sigmoid of 2z.
		double, err := decide(tabular.Softmax).Predict([]float64{z / 2})
		if err != nil || double != got {
			t.Errorf("twice %v gives %v, %v; expected %v", z/2, double, err, got)
		}
	}
}

func TestModifiedHuber(t *testing.T) {
	for z, expected := range map[float64]float64{0: 0.5, 0.5: 0.75, 1: 1, 7: 1, -1: 0, -1e300: 0, -0.25: 0.375} {
		if got, err := decide(tabular.ModifiedHuber).Predict([]float64{z}); err != nil || got != expected {
			t.Errorf("%v gives %v, %v; expected %v", z, got, err, expected)
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
		got, err := regression(coef, 0.3, mean, scale, tabular.Sigmoid).Predict(features)
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
	nan, inf := math.NaN(), math.Inf(1)
	m := regression([]float64{1, 0, -1}, 0, []float64{-1e307, 0, 0}, []float64{0.5, 1, 1}, tabular.Sigmoid)
	huge := regression([]float64{10, 10}, 0, nil, nil, tabular.Sigmoid)
	bare := tabular.New(tabular.Dense, columns(2), nil, &tabular.Regression{Linear: linear([]float64{0, 0}, 0)})
	filled := tabular.New(tabular.Dense, columns(2), numeric(
		&tabular.Impute{Fill: []float64{1, 2}, Keep: []int{0}, Missing: nan},
	), &tabular.Regression{Linear: linear([]float64{1}, 0)})
	for name, test := range map[string]struct {
		model    *tabular.Model
		features []float64
		index    int
	}{
		"NaN":                            {m, []float64{0, 0, nan}, 2},
		"NaN under a coefficient of 0":   {m, []float64{0, nan, 0}, 1},
		"infinite":                       {m, []float64{0, 0, inf}, 2},
		"infinite under a coefficient 0": {m, []float64{0, -inf, 0}, 1},
		"infinite once standardised":     {m, []float64{1.7e308, 0, 0}, 0},
		"infinities of both signs":       {huge, []float64{1e308, -1.1e308}, 1},
		"NaN without a scaler":           {bare, []float64{0, nan}, 1},
		"infinite without a scaler":      {bare, []float64{inf, 0}, 0},
		"infinite beside a missing one":  {filled, []float64{nan, inf}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := test.model.Predict(test.features)
			var feature *tabular.FeatureError
			if !errors.As(err, &feature) || feature.Index != test.index {
				t.Errorf("got %v, %v; expected an error about feature %d", p, err, test.index)
			}
		})
	}
}

func TestNewPanicsOnWidthsThatDoNotFit(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("there is no panic")
		}
	}()
	tabular.New(tabular.Dense, columns(2), numeric(&tabular.Check{Columns: 2}), &tabular.Regression{Linear: linear([]float64{1}, 0)})
}
