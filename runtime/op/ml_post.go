package op

import (
	"fmt"
	"math"
)

// PostTransform is what ai.onnx.ml's classifiers and regressors do with the scores of a row at last.
type PostTransform uint8

// The transforms.
const (
	PostNone PostTransform = iota
	// PostLogistic is the sigmoid of each score.
	PostLogistic
	// PostSoftmax is over the row.
	PostSoftmax
	// PostSoftmaxZero is too, but passes over scores that are zero.
	PostSoftmaxZero
	// PostProbit is the inverse of the normal distribution, approximated.
	PostProbit
)

// PostTransformOf is the transform that ONNX calls by that name.
func PostTransformOf(name string) (PostTransform, error) {
	for i, known := range []string{"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"} {
		if name == known {
			return PostTransform(i), nil
		}
	}
	return 0, fmt.Errorf("there is no post_transform %.40q", name)
}

// apply transforms a row in place.
func (p PostTransform) apply(row []float32) {
	switch p {
	case PostLogistic:
		for i, v := range row {
			row[i] = mlLogistic(v)
		}
	case PostSoftmax:
		mlSoftmax(row, false)
	case PostSoftmaxZero:
		mlSoftmax(row, true)
	case PostProbit:
		for i, v := range row {
			row[i] = mlProbit(v)
		}
	case PostNone:
	}
}

func mlLogistic(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// mlProbit uses the approximation of the inverse error function that ONNX Runtime has, with its constants.
func mlProbit(x float32) float32 {
	const pi, a = float32(3.14159), float32(0.147)
	y := 2*x - 1
	sign := float32(1)
	if y < 0 {
		sign = -1
	}
	log := float32(math.Log(float64((1 - y) * (1 + y))))
	v := 2/(pi*a) + 0.5*log
	root := -v + float32(math.Sqrt(float64(v*v-log/a)))
	return float32(math.Sqrt2) * (sign * float32(math.Sqrt(float64(root))))
}

// mlSoftmax leaves out what is zero, or almost, if skip says so.
func mlSoftmax(row []float32, skip bool) {
	const almost = 1e-7
	most := float32(-math.MaxFloat32)
	for _, v := range row {
		most = max(most, v)
	}
	var sum float32
	for i, v := range row {
		if skip && v <= almost && v >= -almost {
			row[i] = v * float32(math.Exp(-float64(most)))
			continue
		}
		row[i] = float32(math.Exp(float64(v - most)))
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}

// secondClass says how the one score of a classifier of two classes becomes two. Either way a logistic transform makes it a
// probability, and the other that of its negative.
type secondClass uint8

const (
	// secondNone leaves it one.
	secondNone secondClass = iota
	// secondComplement makes it p, and the other 1-p: it is a probability.
	secondComplement
	// secondMargin makes the other its negative.
	secondMargin
)

// expand writes the one score, as two where there is to be a second.
func (s secondClass) expand(out []float32, score float32, post PostTransform) {
	switch {
	case post == PostProbit:
		out[0] = mlProbit(score)
	case s == secondNone:
		out[0] = score
	case post == PostLogistic:
		out[0], out[1] = mlLogistic(-score), mlLogistic(score)
	case s == secondComplement:
		out[0], out[1] = 1-score, score
	default:
		out[0], out[1] = -score, score
	}
}
